"""What a DAG run is doing is told in words."""

from __future__ import annotations

from progress import describe


def task(name: str, state: str | None, place: int = -1, *, dag: str = "retrain_models") -> dict[str, str | int | None]:
    return {"dag_id": dag, "task_id": name, "map_index": place, "state": state}


def test_running_tasks_are_told_with_how_many_have_ended() -> None:
    """Tasks that run side by side are told once each; of one that is repeated, how many have ended."""
    tasks = [
        task("sample", "success"),
        task("each_model.train", "success", 0),
        task("each_model.train", "running", 1),
        task("each_model.train", "running", 2),
        task("each_model.gate", "running", 0),
        task("prune", None),
    ]
    assert describe(tasks) == (
        "training the models (1 of 3 done), comparing new versions with those in use; 2 of 6 tasks done"
    )


def test_waiting_for_a_retry_is_told() -> None:
    """Between two tasks the counts are all there is to tell."""
    tasks = [task("plan", "skipped", dag="segment_customers"), task("score", "up_for_retry", dag="segment_customers")]
    assert describe(tasks) == "1 of 2 tasks done, 1 waiting for a retry"


def test_task_without_words_is_told_by_its_name() -> None:
    """A DAG of somebody else's can be watched, too."""
    assert describe([task("ship", "running", dag="parcels")]) == "ship; 0 of 1 tasks done"
