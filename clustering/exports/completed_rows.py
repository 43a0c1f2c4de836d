"""Columns that are put together here and not sent by the server with every row: the date, and texts of segments.

They are the same in all rows, or in all of a segment; left out, Parquet of a million takes a quarter less time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Audience

AS_OF = "as_of"


def are_completed(audience: Audience) -> bool:
    """Whether rows of an audience arrive without these columns: all of it, in batches."""
    return audience.rows == "all" and audience.file_format in (None, "parquet")


@dataclass(frozen=True)
class SegmentTexts:
    """Texts (k,) of segments by their ids (k,)."""

    ids: pa.Array
    texts: pa.Array

    def of(self, segments: pa.Array) -> pa.StringArray:
        """Return the texts (n,) of segments (n,); null where there is none."""
        return self.texts.take(pc.index_in(segments, value_set=self.ids.cast(segments.type)))


@dataclass(frozen=True)
class Completion:
    """What rows become when they are complete: columns under these `headers`, in their order.

    A column of texts arrives as the segments' ids, the date not at all.
    """

    headers: Sequence[str]
    as_of: date
    texts: Mapping[str, SegmentTexts]

    def complete(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows (n,) with all of their columns.

        >>> names = SegmentTexts(pa.array([1, 2]), pa.array(["Loyal", "New"]))
        >>> rows = pa.record_batch({"customer_id": pa.array([7, 8]), "segment_name": pa.array([2, None])})
        >>> sent = Completion(["segment_name", "customer_id"], date(2026, 1, 31), {"segment_name": names})
        >>> sent.complete(rows).to_pylist()
        [{'segment_name': 'New', 'customer_id': 7}, {'segment_name': None, 'customer_id': 8}]
        """
        return pa.record_batch([self._column(rows, header) for header in self.headers], names=list(self.headers))

    def _column(self, rows: pa.RecordBatch, header: str) -> pa.Array:
        if header == AS_OF:
            return pa.repeat(pa.scalar(self.as_of, pa.date32()), rows.num_rows)
        column = rows.column(header)
        return self.texts[header].of(column) if header in self.texts else column
