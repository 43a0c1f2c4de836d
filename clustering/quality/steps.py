"""How far customers have come among a model's segments since the night before, customer by customer, by a sample.

The step of a customer is the difference of the two confidences in the same segment, and their sum where the segment is
another: who crosses a border nearby has made a small one. Whose values stand with another customer has made a large
one, and whose values are still yesterday's none at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

CHANGED, FAR = 0.0, 1 / 4  # steps beyond these are counted
PARTS = 16  # of equally many customers, in the order of their keys


@dataclass(frozen=True)
class PartSteps:
    """Sampled customers of a part who were there the night before; of them who has changed, and who has come far.

    `new` are sampled customers who were not there.
    """

    customers: int
    changed: int
    far: int
    new: int = 0

    def __add__(self, other: PartSteps) -> PartSteps:
        return PartSteps(*(one + each for one, each in zip(astuple(self), astuple(other), strict=True)))

    @property
    def share(self) -> float:
        """Share of the customers who have changed, 0 to 1."""
        return self.changed / max(1, self.customers)


NO_STEPS = PartSteps(0, 0, 0)


def in_parts(shards: Sequence[tuple[int, Sequence[PartSteps]]]) -> list[PartSteps]:
    """Return the PARTS of a night by its shards in the order of their keys: how many customers each has, and its parts.

    >>> one, other = PartSteps(10, 1, 0), PartSteps(10, 5, 1)
    >>> parts = in_parts([(1000, [one] * PARTS), (1000, [other] * PARTS)])
    >>> parts[7], parts[8]
    (PartSteps(customers=20, changed=2, far=0, new=0), PartSteps(customers=20, changed=10, far=2, new=0))
    """
    total, before = sum(customers for customers, _ in shards), 0
    parts = [NO_STEPS] * PARTS
    for customers, steps in shards:
        for place, one in enumerate(steps):
            middle = before + customers * (place + 0.5) / len(steps)
            number = min(int(PARTS * middle / max(total, 1)), PARTS - 1)
            parts[number] = parts[number] + one
        before += customers
    return parts
