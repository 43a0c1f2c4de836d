"""Alerts of the DAGs: a line in the log, and a message by any notifier of Airflow that the environment names.

`CLUSTERING_NOTIFIER` is told of everything, unless `CLUSTERING_NOTIFIER_CRITICAL` or `CLUSTERING_NOTIFIER_WARNING` is.

A module that is installed, so that every component of Airflow can import it: failures are told of by workers and the
DAG processor, missed deadlines by the triggerer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.configuration import conf
from airflow.sdk.module_loading import import_string  # type: ignore[attr-defined]

from clustering.settings import AlertSettings

TIMEOUT = 10  # seconds


class Alert(BaseNotifier):
    """Tell of something that a person should look at; what cannot be sent is an error in the log and no more.

    The templates of the notifier that sends it see `alert.subject`, `alert.text`, in which run and link are,
    `alert.severity` (`critical` or `warning`) and `alert.link`.
    """

    def __init__(self, subject: str, text: str, severity: str = "critical", context: Any = None) -> None:
        super().__init__(context=context)
        self.subject = subject
        self.text = text
        self.severity = severity

    def notify(self, context: Any) -> None:
        """Write the line, and send the message."""
        told = self._tell(context)
        try:
            if notifier := configured_notifier(self.severity):
                notifier(told)
        except Exception:
            self.log.exception("the alert could not be sent: %s", self.subject)

    async def async_notify(self, context: Any) -> None:
        """Do the same in the triggerer, where nobody may wait for a network."""
        told = self._tell(context)
        try:
            notifier = configured_notifier(self.severity)
            if notifier and type(notifier).async_notify is not BaseNotifier.async_notify:
                notifier.context = told
                await notifier
            elif notifier:
                await asyncio.to_thread(notifier, told)
        except Exception:
            self.log.exception("the alert could not be sent: %s", self.subject)

    def _tell(self, context: Mapping[str, Any]) -> Any:
        dag_id, run_id = run_of(context)
        link = context.get("link") or (run_link(dag_id, run_id) if dag_id and run_id else None)
        text = f"{self.text} (run {run_id})" if run_id else self.text
        text = f"{text} {link}" if link else text
        level = logging.ERROR if self.severity == "critical" else logging.WARNING
        self.log.log(level, "%s: %s", self.subject, text)
        alert = {"subject": self.subject, "text": text, "severity": self.severity, "link": link}
        return {**context, "alert": alert}


class Webhook(BaseNotifier):
    """Post `{"text": ...}` to the address of an HTTP connection, as the chats' incoming webhooks take it."""

    template_fields: Sequence[str] = ("text",)

    def __init__(
        self,
        connection: str = "segmentation_alerts",
        text: str = "{{ alert.subject }}: {{ alert.text }}",
        context: Any = None,
    ) -> None:
        super().__init__(context=context)
        self.connection = connection
        self.text = text

    def notify(self, context: Any) -> None:
        """Post the message; an answer that is not a success raises."""
        request = urllib.request.Request(  # noqa: S310 (the operator's own address)
            webhook_address(Connection.get(self.connection)),
            data=json.dumps({"text": self.text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
            pass


def configured_notifier(severity: str) -> BaseNotifier | None:
    """Return the notifier that the environment names for a severity, made anew."""
    settings = AlertSettings.read().of(severity)
    if settings is None:
        return None
    notifier: BaseNotifier = import_string(settings.classpath)(**settings.kwargs)
    return notifier


def run_of(context: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return DAG and run of a context: that of a task, of a callback, or of a deadline that was missed."""
    run = context.get("dag_run")
    if isinstance(run, Mapping):
        return run.get("dag_id"), run.get("dag_run_id")
    if run is not None:
        return run.dag_id, run.run_id
    dag = context.get("dag")
    return (dag.dag_id if dag is not None else None), context.get("run_id")


def run_link(dag_id: str, run_id: str) -> str:
    """Return the address of a run in Airflow."""
    return f"{airflow_address()}/dags/{quote(dag_id)}/runs/{quote(run_id)}"


def airflow_address() -> str:
    """Return where Airflow's pages are, as `base_url` of its section `api` says."""
    return str(conf.get("api", "base_url", fallback=None) or "http://localhost:8080").rstrip("/")


def webhook_address(connection: Any) -> str:
    """Return the URL of an HTTP connection: its host, with the scheme, and the path, which is its password.

    Who knows the path of an incoming webhook may post there, so it is the secret.
    """
    return f"{connection.host.rstrip('/')}/{(connection.password or '').lstrip('/')}"
