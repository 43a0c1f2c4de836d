"""Movement between two dates as a matrix that adds up."""

from __future__ import annotations

from clustering.segments.movement import Move, add_up, movement


def test_matrix_of_moves_and_of_those_who_stayed() -> None:
    """Movers are split, who joins or leaves does so by behaviour, and the rest of each segment stayed."""
    moves = [Move(1, 2, 5, 3), Move(2, 1, 4, None), Move(None, 1, 2, 0), Move(2, None, 1, 0)]
    records = [tuple(record.values()) for record in movement(moves, {1: 10, 2: 5, 3: 7})]
    assert records == [
        (1, 2, 5, 2, 3),
        (2, 1, 4, None, None),
        (None, 1, 2, 2, 0),
        (2, None, 1, 1, 0),
        (1, 1, 4, 0, 0),
        (3, 3, 7, 0, 0),
    ]


def test_parts_of_several_shards_are_added_up() -> None:
    """Customers add up always; who moved by the model only where every part knows."""
    parts = [Move(1, 2, 3, 1), Move(1, 2, 2, 0), Move(2, 1, 1, None), Move(2, 1, 1, 1)]
    assert add_up(parts) == [Move(1, 2, 5, 1), Move(2, 1, 2, None)]
