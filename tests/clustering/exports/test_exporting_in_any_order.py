"""Whoever applies the files of changes in the order in which they came has the audience, whatever happened between."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from clustering import drop_expired, forget
from clustering.config import Column
from clustering.errors import DestinationError, RunError
from clustering.exports import destinations, file_formats
from clustering.scoring.withdrawal import withdraw_date
from tests.audiences import WAIVED, give_keys, send, sending, table
from tests.projects import Project

FIRST = date(2026, 11, 1)
STEPS = 16
LEAST = 0.3  # confidence
AUDIENCE = """
select label.customer_id::text
from segmentation.current_customer_segments as label
where
    label.model = 'kmeans' and label.confidence >= %s
    and (not %s or exists (
        select from customers where customers.customer_id = label.customer_id and customers.consent = 'yes'
    ))
"""


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with some customers, of whom some consent, and of whose labels two dates are kept."""
    appointed_project.sql("alter table customers add consent text")
    appointed_project.sql("delete from customers where customer_id > 120 or customer_id is null")
    appointed_project.sql("update customers set consent = 'yes' where customer_id % 2 = 0")
    contract = appointed_project.configuration.contract
    columns = {**contract.columns, "consent": Column(type="text", role="ignore")}
    return appointed_project.with_contract(columns=columns, label_runs=2)


class Follower:
    """Applies what arrives, and forgets whom it is told to by hand."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.dates: set[str] = set()

    def read(self, path: Path) -> None:
        """Apply a file."""
        self.dates.add(path.stem)
        for row in table(path):
            (self.members.add if row["change"] == "entered" else self.members.discard)(row["customer_id"])


class World:
    """A project whose nights, customers and exports go on at random."""

    def __init__(self, project: Project, folder: Path, luck: random.Random, patch: Any) -> None:
        self.project, self.folder, self.luck, self.patch = project, folder, luck, patch
        self.follower, self.fresh = Follower(), 90_000
        self.days: list[date] = []

    def night(self) -> None:
        """Publish a new date, or the latest one again."""
        self.move()
        if not self.days or self.luck.random() < 0.7:
            self.days.append((max(self.days) if self.days else FIRST) + timedelta(days=1))
        self.project.night(self.days[-1].isoformat(), models=["kmeans"])

    def move(self) -> None:
        """Let customers change, go, and take their consent back."""
        keys = [key for (key,) in self.project.sql("select customer_id from customers order by 1")]
        for key in self.luck.sample(keys, 6):
            value = self.luck.choice(["spending_score = 99 - spending_score", "consent = 'yes'", "consent = 'no'"])
            self.project.sql(f"update customers set {value} where customer_id = %s", key)  # noqa: S608
        self.project.sql("delete from customers where customer_id = %s", self.luck.choice(keys))

    def withdraw(self) -> None:
        """Take the latest date back, where another one is left whose labels are kept."""
        if len(self.days) < 2:
            return
        told: dict[str, Any] = {"as_of": self.days[-1], "withdrawn_by": "Ada", "reason": "a test"}
        try:
            withdraw_date(self.project.warehouse, self.project.configuration, **told)
        except RunError:  # the labels of the date before are no longer kept
            return
        self.days.pop()

    def forget(self) -> None:
        """Forget somebody, at the source and the destination too."""
        keys = [key for (key,) in self.project.sql("select customer_id from customers order by 1")]
        key = self.luck.choice(keys)
        report = forget(
            self.project.warehouse,
            self.project.configuration,
            self.project.registry,
            customer_id=str(key),
            requested_by="Ada",
        )
        if str(key) in self.follower.members:
            assert [one["audience"] for one in report["sent_to"]] == ["shown"]
        self.follower.members.discard(str(key))
        self.project.sql("delete from customers where customer_id = %s", key)

    def rekey(self) -> None:
        """Give somebody another key."""
        keys = [key for (key,) in self.project.sql("select customer_id from customers order by 1")]
        self.fresh += 1
        give_keys(self.project, self.folder, (self.luck.choice(keys), self.fresh))

    def retain(self) -> None:
        """Drop what is too old."""
        drop_expired(self.project.warehouse, self.project.configuration)

    def send(self) -> None:
        """Send, or fail before or after the file is there; whoever gets a file applies it."""
        if not self.days:
            return
        path = self.folder / "shown" / f"{self.days[-1]}.csv"
        fault = self.luck.choice([None, None, "early", "late"])
        real = destinations.Folder._replace

        def late(*given: Any) -> None:
            real(*given)
            raise DestinationError("broke")

        def early(*_: Any) -> int:
            raise OSError("broke")

        with self.patch.context() as patch:
            if fault == "late":
                patch.setattr(destinations.Folder, "_replace", late)
            if fault == "early":
                patch.setattr(file_formats, "write_rows", early)
            try:
                send(self.project, self.folder)
            except DestinationError:
                assert fault
            except RunError:  # changes of a later date were sent
                return
        is_first = path.stem > max(self.follower.dates, default="")
        if fault != "early":
            self.follower.read(path)
        if fault is None and is_first:  # what differs between two files of a date is told with the next
            assert self.follower.members == self.audience()

    def audience(self) -> set[str]:
        """Return who is in the audience by labels and source as they are now."""
        exports = self.project.configuration.exports
        assert exports is not None
        is_asked = exports.audiences["shown"].consent.column is not None
        return {key for (key,) in self.project.sql(AUDIENCE, LEAST, is_asked)}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["told by labels", "listed"])
def test_any_sequence_leaves_the_follower_with_the_audience(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, kind: str
) -> None:
    """Nights, repeats, withdrawals, retention, forgetting, other keys, and exports that fail early or late."""
    luck = random.Random(seed)  # noqa: S311
    consent = WAIVED if kind == "told by labels" else {"column": "consent"}
    sent = sending(project, rows="changes", columns=["customer_id"], consent=consent, min_confidence=LEAST)
    world = World(sent, tmp_path, luck, monkeypatch)
    steps: list[Callable[[], None]] = [world.night, world.night, world.send, world.send, world.send]
    steps += [world.withdraw, world.forget, world.rekey, world.retain]
    world.night()
    for _ in range(STEPS):
        luck.choice(steps)()
