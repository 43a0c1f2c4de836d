"""What the server ends so that something else can go on is done anew, and nothing else is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from clustering import Warehouse
from clustering.errors import RunError, WarehouseError
from clustering.warehouse import deadlocks
from clustering.warehouse.deadlocks import again_after_deadlock

BOTH_HAVE_ONE = 20  # seconds to wait for


def lock_in_turn(warehouse: Warehouse, met: Barrier, *models: str) -> int:
    """Lock models one after the other, the second when another has come as far; return how many attempts it took."""
    attempts = 0

    @again_after_deadlock
    def attempt() -> int:
        nonlocal attempts
        attempts += 1
        with warehouse.transaction() as transaction:
            for model in models:
                transaction.execute("pointer/lock_model", model=model)
                if attempts == 1 and model == models[0]:
                    met.wait(BOTH_HAVE_ONE)
        return attempts

    return attempt()


def test_whoever_was_ended_begins_anew(empty_warehouse: Warehouse) -> None:
    """Of two that take two locks the other way round, one is ended by the server; both have them in the end."""
    met = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        some = pool.submit(lock_in_turn, empty_warehouse, met, "kmeans", "gmm")
        others = pool.submit(lock_in_turn, empty_warehouse, met, "gmm", "kmeans")
        assert sorted((some.result(), others.result())) == [1, 2]


def test_it_is_not_tried_for_ever(empty_warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last attempt the error is the server's, in one line."""
    monkeypatch.setattr(deadlocks, "ATTEMPTS", 1)
    met = Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        orders = (("kmeans", "gmm"), ("gmm", "kmeans"))
        found = [pool.submit(lock_in_turn, empty_warehouse, met, *order) for order in orders]
        (error,) = [error for one in found if (error := one.exception())]
    assert isinstance(error, WarehouseError)
    assert "did not go on: deadlock detected" in str(error)


@pytest.mark.parametrize("error", [RunError("ended"), WarehouseError("gone"), ValueError("wrong")])
def test_other_errors_are_not_repeated(error: Exception) -> None:
    """What would fail again fails once."""
    attempts = []

    @again_after_deadlock
    def work() -> None:
        attempts.append(1)
        raise error

    with pytest.raises(type(error)):
        work()
    assert attempts == [1]
