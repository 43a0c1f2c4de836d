"""Keys of customers as the columns of the warehouse store them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import KeyType


def stored(keys: pa.Array, key_type: KeyType) -> pa.Array:
    """Return keys as the column of their type stores them: a UUID as its 16 bytes."""
    if key_type != "uuid":
        return keys
    digits = pc.replace_substring(keys, "-", "").buffers()[2]
    octets = bytes.fromhex(digits.to_pybytes().decode()) if digits else b""
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(keys), [None, pa.py_buffer(octets)])
