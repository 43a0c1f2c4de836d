"""Movement between two dates as a matrix that adds up."""

from __future__ import annotations

from clustering.segments.movement import Move, Moves, add_up, movement


def test_matrix_of_moves_and_of_those_who_stayed() -> None:
    """Movers are split, who is labelled on one date alone is so by the source, and the rest of each segment stayed."""
    moves = [Move(1, 2, 5, 3), Move(2, 1, 4, None), Move(None, 1, 2, 0), Move(2, None, 1, 0)]
    records = [tuple(record.values()) for record in movement(Moves(moves), {1: 10, 2: 5, 3: 7}, {1: 9, 2: 5, 3: 7})]
    assert records == [
        (1, 2, 5, 2, 3, 0, None),
        (2, 1, 4, None, None, 0, None),
        (None, 1, 2, 0, 0, 2, None),
        (2, None, 1, 0, 0, 1, None),
        (1, 1, 4, 0, 0, 0, None),
        (3, 3, 7, 0, 0, 0, None),
    ]


def test_whom_time_moved_is_taken_off_what_customers_did_and_is_null_where_it_is_not_told_apart() -> None:
    """It is 0 for whoever has not moved between segments, and null where the former version was not asked at all."""
    moves = Moves([Move(1, 2, 5, 1, 3), Move(2, 1, 4, None, 0), Move(None, 1, 2, 0, 0)], is_timed=True)
    assert [tuple(record.values()) for record in movement(moves, {1: 7, 2: 6}, {1: 6, 2: 5})] == [
        (1, 2, 5, 1, 1, 0, 3),
        (2, 1, 4, None, None, 0, None),
        (None, 1, 2, 0, 0, 2, 0),
        (1, 1, 1, 0, 0, 0, 0),
        (2, 2, 1, 0, 0, 0, 0),
    ]


def test_customers_who_have_been_forgotten_are_counted_as_gone_and_as_new() -> None:
    """One who moved and one who stayed are forgotten: to and from each segment, the records add up to what it had."""
    moves = [Move(1, 2, 5, 3)]
    records = movement(Moves(moves), {1: 3, 2: 9}, {1: 9, 2: 3})
    assert [tuple(record.values()) for record in records] == [
        (1, 2, 5, 2, 3, 0, None),
        (1, 1, 3, 0, 0, 0, None),
        (2, 2, 3, 0, 0, 0, None),
        (1, None, 1, 0, 0, 1, None),
        (None, 2, 1, 0, 0, 1, None),
    ]


def test_parts_of_several_shards_are_added_up() -> None:
    """Customers add up always; who moved by the model or by time only where every part knows."""
    parts = [Move(1, 2, 3, 1, 1), Move(1, 2, 2, 0, 1), Move(2, 1, 1, None, 0), Move(2, 1, 1, 1)]
    assert add_up(parts) == [Move(1, 2, 5, 1, 2), Move(2, 1, 2, None, None)]
