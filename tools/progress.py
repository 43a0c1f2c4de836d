"""What a DAG run is doing, in a person's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

DONE = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})
WORDS = {
    "retrain_models": {
        "sample": "drawing the customers to train on",
        "by_hand": "looking for champions to set by hand",
        "set_champion": "setting champions by hand",
        "each_model.train": "training the models",
        "each_model.gate": "comparing new versions with those in use",
        "each_model.announce": "telling of new champions",
        "waiting": "looking for versions that wait for a person",
        "review": "listing what those that wait would change",
        "approve": "waiting for a person's approval",
        "decide": "doing as the person said",
        "announce": "telling of approved champions",
        "prune": "removing what no version needs",
        "clean_up": "dropping the sample",
    },
    "segment_customers": {
        "plan": "cutting the customers into shards",
        "score": "labelling the customers",
        "check": "comparing the night with those before it",
        "publish": "publishing the segments",
        "watch": "looking for drift",
        "ask": "asking a person where the night is held",
        "clean_up": "clearing up",
        "retention": "dropping labels that are too old",
        "summary": "saying what happened",
    },
}


def describe(tasks: Sequence[Mapping[str, Any]]) -> str:
    """Return what the tasks of a run are doing and how many are done.

    >>> run = {"dag_id": "segment_customers", "map_index": -1}
    >>> plan, score = {**run, "task_id": "plan", "state": "success"}, {**run, "task_id": "score", "state": "running"}
    >>> describe([plan, score])
    'labelling the customers; 1 of 2 tasks done'
    """
    states = Counter(task["state"] for task in tasks)
    done = sum(states[state] for state in DONE)
    phrases = dict.fromkeys(_phrase(task, tasks) for task in tasks if task["state"] == "running")
    counts = f"{done} of {len(tasks)} tasks done"
    if states["up_for_retry"]:
        counts += f", {states['up_for_retry']} waiting for a retry"
    return f"{', '.join(phrases)}; {counts}" if phrases else counts


def _phrase(task: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> str:
    """Return the words for a task, and of one that is repeated how many have ended."""
    name = str(task["task_id"])
    words = WORDS.get(str(task["dag_id"]), {}).get(name, name)
    if task["map_index"] < 0:
        return words
    same = [one["state"] for one in tasks if one["task_id"] == name]
    return f"{words} ({sum(state in DONE for state in same)} of {len(same)} done)" if len(same) > 1 else words
