"""Movement between two dates as a matrix that adds up."""

from __future__ import annotations

from clustering.segments.movement import Move, add_up, movement


def test_matrix_of_moves_and_of_those_who_stayed() -> None:
    """Movers are split, who is labelled on one date alone is so by the source, and the rest of each segment stayed."""
    moves = [Move(1, 2, 5, 3), Move(2, 1, 4, None), Move(None, 1, 2, 0), Move(2, None, 1, 0)]
    records = [tuple(record.values()) for record in movement(moves, {1: 10, 2: 5, 3: 7}, {1: 9, 2: 5, 3: 7})]
    assert records == [
        (1, 2, 5, 2, 3, 0),
        (2, 1, 4, None, None, 0),
        (None, 1, 2, 0, 0, 2),
        (2, None, 1, 0, 0, 1),
        (1, 1, 4, 0, 0, 0),
        (3, 3, 7, 0, 0, 0),
    ]


def test_customers_who_have_been_forgotten_are_counted_as_gone_and_as_new() -> None:
    """One who moved and one who stayed are forgotten: to and from each segment, the records add up to what it had."""
    moves = [Move(1, 2, 5, 3)]
    records = movement(moves, {1: 3, 2: 9}, {1: 9, 2: 3})
    assert [tuple(record.values()) for record in records] == [
        (1, 2, 5, 2, 3, 0),
        (1, 1, 3, 0, 0, 0),
        (2, 2, 3, 0, 0, 0),
        (1, None, 1, 0, 0, 1),
        (None, 2, 1, 0, 0, 1),
    ]


def test_parts_of_several_shards_are_added_up() -> None:
    """Customers add up always; who moved by the model only where every part knows."""
    parts = [Move(1, 2, 3, 1), Move(1, 2, 2, 0), Move(2, 1, 1, None), Move(2, 1, 1, 1)]
    assert add_up(parts) == [Move(1, 2, 5, 1), Move(2, 1, 2, None)]
