"""A summary as JSON and its samples as bytes, and back, for who counts in one process and claims in another."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from clustering.customers import from_documents
from clustering.scoring.batch_scoring import Summary
from clustering.segments.quartiles import from_bytes, to_bytes
from clustering.versions.documents import by_version

_BY_VERSION = ("profiles", "compositions", "measures")


def write_summary(summary: Summary) -> tuple[bytes, bytes]:
    """Return a summary as JSON, and its samples."""
    document = {
        "rows_read": summary.rows_read,
        "rows_labelled": summary.rows_labelled,
        "rows_rejected": summary.rows_rejected,
        "faults": [asdict(one) for one in summary.faults],
        "filled": dict(summary.filled),
        "changed_at": summary.changed_at and summary.changed_at.isoformat(),
        "columns": summary.columns,
        **{name: getattr(summary, name) for name in _BY_VERSION},
    }
    return json.dumps(document).encode(), to_bytes(summary.samples)


def read_summary(document: bytes, samples: bytes) -> Summary:
    """Return the summary that was written."""
    read = json.loads(document)
    changed_at = read["changed_at"]
    return Summary(
        **{
            **read,
            **{name: by_version(read[name]) for name in _BY_VERSION},
            "faults": from_documents(read["faults"]),
            "changed_at": datetime.fromisoformat(changed_at) if changed_at else None,
            "samples": from_bytes(samples),
        }
    )
