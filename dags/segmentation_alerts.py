"""What people are told, by the configured notifier: one message for one cause, with its own line and a link."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from clustering.errors import DataError, HeldError, PermanentError, TransientError
from segmentation_days import day_of_run

log = logging.getLogger(__name__)

FAILURE = "failure"  # under this key of XCom, a task leaves the line of its error to the alert of its run
ASK = "ask"  # the task that tells people of a held night
LINES = 3  # errors in a message
LENGTH = 500  # characters of an error's line


def note_failure(context: Any) -> None:
    """Leave to the alert of the run which task failed, and why."""
    task, error = context["ti"], context.get("exception")
    note = {
        "task": task.task_id,
        "line": line_of(error),
        "held": isinstance(error, HeldError),
        "part": context.get("model_name") or context.get("audience"),
        "link": task.log_url,
    }
    try:
        task.xcom_push(FAILURE, note)
    except Exception:  # the process that tells of a killed task may not write
        log.info("%s failed: %s", task.task_id, note["line"])


def line_of(error: Any) -> str:
    """Return an error in one line, with its kind where it is none of ours.

    It is without what is masked as secret and without values of customers, which are in the log alone.
    """
    from airflow.sdk.log import redact  # type: ignore[attr-defined]

    said = error.told if isinstance(error, DataError) else str(error or "")
    text = next((line.strip() for line in said.splitlines() if line.strip()), "")
    if error is not None and not isinstance(error, PermanentError | TransientError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return str(redact(text))[:LENGTH] or "ended from outside: see its log"


def alert_of_run(context: Any) -> None:
    """Tell that a DAG run failed: by which errors of which tasks, for which day and models, and where its log is.

    Where the only error is that a night is held, nobody is told again: its task `ask` has, unless it was killed.
    """
    notes = failures(context)
    if notes and all(note["held"] for note in notes) and ASK not in _failed_tasks(context):
        return
    dag_id = context["dag"].dag_id
    if notes:
        told = list(dict.fromkeys(f"{_subject(note)}: {note['line']}" for note in notes))
        more = f", and {len(told) - LINES} more" if len(told) > LINES else ""
        text = "; ".join(told[:LINES]) + more
    else:
        text = f"{', '.join(_failed_tasks(context)) or 'a task'} was ended from outside or never started; see its log"
    alert(f"{dag_id} failed", f"{text}{_meant(context)}", {**context, "link": notes[0]["link"] if notes else None})


def _subject(note: Mapping[str, Any]) -> str:
    return f"{note['task']} of {note['part']}" if note["part"] else str(note["task"])


def failures(context: Any) -> Sequence[dict[str, Any]]:
    """Return what the tasks of a run have left; nothing where it cannot be read."""
    try:
        left = context["ti"].xcom_pull(task_ids=sorted(context["dag"].task_ids), key=FAILURE)
    except Exception:
        log.info("what the tasks left could not be read", exc_info=True)
        return []
    return [note for note in left if note]


def first_error(context: Any) -> str | None:
    """Return task and line of the first error that a task of the run has left; None where none has."""
    notes = failures(context)
    return f"{_subject(notes[0])}: {notes[0]['line']}" if notes else None


def _failed_tasks(context: Any) -> list[str]:
    run_id = context["run_id"]
    try:
        states = context["ti"].get_task_states(dag_id=context["dag"].dag_id, run_ids=[run_id])[run_id]
    except Exception:
        log.info("the states of the tasks could not be read", exc_info=True)
        return []
    return sorted(name for name, state in states.items() if state == "failed")


def _meant(context: Any) -> str:
    """Return for which day and models a run was, as far as that is known."""
    params = context.get("params") or {}
    day = day_of_run(context)
    models = ", ".join(params.get("models") or ()) if "models" in params else None
    parts = [f"as of {day}"] if day else []
    parts += [f"models: {models or 'all'}"] if models is not None else []
    return f" ({'; '.join(parts)})" if parts else ""


def alert_of_task(context: Any) -> None:
    """Tell that a task failed whose failure does not fail its run."""
    task = context["ti"]
    text = f"{line_of(context.get('exception'))}{_meant(context)}. The run goes on without it"
    told = {**context, "link": task.log_url}
    alert(f"{task.dag_id}: {task.task_id} failed", text, told, severity="warning")


def log_refusal(version: Mapping[str, Any], link: str) -> None:
    """Say in one line of the log why a trained version will be refused, and where its clusters are shown."""
    if version["refusal"]:
        log.warning("%s version %s finds %s: %s", version["model"], version["version"], version["refusal"], link)


def alert_of_refusal(decided: Mapping[str, Any], version: Mapping[str, Any], link: str, context: Any) -> None:
    """Tell that a trained version was refused, and where its clusters are shown."""
    follows = "the version in use stays" if version["champion_version_id"] else "no version is in use"
    subject = f"{decided['model']} version {decided['version']} was refused"
    told = f"{decided['reason'][:LENGTH]}. So {follows}; the same cause is not told of again"
    alert(subject, told, {**context, "link": link}, severity="warning")


def alert_of_models(published: Mapping[str, Any], context: Any) -> None:
    """Tell which models had to be left out of a night."""
    why = "; ".join(f"{model}: {reason}" for model, reason in published["failed"].items())
    subject = f"{', '.join(published['failed'])} not labelled as of {published['as_of']}"
    alert(subject, f"{why}. Readers keep the former result", context, severity="warning")


def alert_of_drift(watched: Mapping[str, Any], context: Any) -> None:
    """Tell what has drifted, and whether models are retrained because of it."""
    what, models = "; ".join(alarm["sentence"] for alarm in watched["alarms"]), ", ".join(watched["retrain"])
    follows = f"retraining {models}" if models else "nothing is retrained now: see docs/operate.md"
    subject = f"customers have drifted as of {watched['as_of']}"
    alert(subject, f"{what}. {follows}", context, severity="warning")


def alert_of_unwatched(watched: Mapping[str, Any], context: Any) -> None:
    """Tell which models of a night could not be checked for drift."""
    why = "; ".join(f"{model}: {reason}" for model, reason in watched["unwatched"].items())
    subject = f"{', '.join(watched['unwatched'])} not checked for drift as of {watched['as_of']}"
    alert(subject, why, context, severity="warning")


def alert(subject: str, text: str, context: Any, *, severity: str = "critical") -> None:
    """Tell people by the notifier that is configured for the severity."""
    from segmentation_notifier import Alert  # needed by alerts, not while DAGs are read

    Alert(subject, text, severity=severity)(context)
