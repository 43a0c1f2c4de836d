"""A name that is given to a segment holds everywhere from the same moment on."""

from __future__ import annotations

from collections.abc import Callable

from tests.command_line import Run, sql

EVERYWHERE = (
    "select segment_name, description, recommended_action from segmentation.current_segments where segment_id = 1",
    "select distinct segment_name, recommended_action from segmentation.customer_segments where segment_id = 1",
)


def test_name_holds_everywhere_at_once_and_former_dates_keep_theirs(trained_by: Callable[[str], Run]) -> None:
    """Views of segments and of customers, explanations and the list of segments; given, taken back, and by SQL."""
    clustering = trained_by("kmeans")
    early = clustering("name-segment", "kmeans", "1", "--action", "Call them.")
    assert "holds from the next night on; the latest one has no such segment" in early.out
    sql("update segmentation.promotions set decided_at = '2026-01-30'")
    assert clustering("score", "--as-of", "2026-01-31", "--from-present-rows").code == 0
    night = clustering("score", "--json").document
    ((before, description, action),) = sql(EVERYWHERE[0])
    assert action == "Call them."
    done = clustering("name-segment", "kmeans", "1", "--name", "Stars")
    assert done.out.startswith(f"kmeans segment 1: holds now, everywhere, for the night of {night['as_of']}")
    assert [sql(one) for one in EVERYWHERE] == [[("Stars", description, action)], [("Stars", action)]]
    ((customer,),) = sql("select min(customer_id) from segmentation.current_customer_segments where segment_id = 1")
    assert "Stars (segment 1)" in clustering("explain", str(customer)).out
    assert "Stars" in clustering("segments").out
    named = "select segment_name from segmentation.segments where as_of = '2026-01-31' and segment_id = 1"
    assert sql(named) == [(before,)]
    sql("update segmentation.segment_names set segment_name = 'Suns', recommended_action = null")
    assert sql(EVERYWHERE[1])[0][0] == "Suns"
    assert clustering("name-segment", "kmeans", "1", "--reset", "--json").document["holds_for"] == night["as_of"]
    assert sql(EVERYWHERE[1])[0][0] == before
    assert sql(EVERYWHERE[0])[0][2] != "Call them."
