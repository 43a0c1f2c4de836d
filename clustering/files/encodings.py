"""How the characters of a text file are written."""

from __future__ import annotations

import codecs
from pathlib import Path

UTF_8 = "utf-8"
_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_BLOCK, _HEAD = 1 << 20, 1000
_OFFICE = "cp1252"  # what Windows in Western Europe and America writes, Latin-1 with the euro sign


def encoding_of(file: Path) -> str:
    """Return the encoding that a byte order mark names, UTF-8 where every byte fits it, or else that of Windows."""
    with file.open("rb") as stream:
        first = stream.read(_BLOCK)
        for mark, encoding in _MARKS:
            if first.startswith(mark):
                return encoding
        head = first[:_HEAD]
        if 4 * head.count(0) > len(head):  # of Latin letters, half of the bytes are
            return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        decoder = codecs.getincrementaldecoder(UTF_8)()
        try:
            while first:
                decoder.decode(first)
                first = stream.read(_BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _OFFICE
    return UTF_8
