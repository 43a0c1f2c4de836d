"""The source contract applied: rows of whatever Arrow types become valid customers and rejected rows.

Pure: Arrow in, Arrow out. A value never raises; it rejects its row with a reason.
"""

from clustering.customers.columns import convert, plain, valid_schema
from clustering.customers.faults import Reason
from clustering.customers.keys import as_keys, key_as_written
from clustering.customers.records import is_written, match_headers, read_records, source_cast
from clustering.customers.refusals import Rejection, added_up, describe_rejections, filled_in, from_documents
from clustering.customers.row_checks import REJECTED, Reading, Split, split, split_whole, today
from clustering.customers.text import multiplied

__all__ = [
    "REJECTED",
    "Reading",
    "Reason",
    "Rejection",
    "Split",
    "added_up",
    "as_keys",
    "convert",
    "describe_rejections",
    "filled_in",
    "from_documents",
    "is_written",
    "key_as_written",
    "match_headers",
    "multiplied",
    "plain",
    "read_records",
    "source_cast",
    "split",
    "split_whole",
    "today",
    "valid_schema",
]
