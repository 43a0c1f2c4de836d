"""Alerts of the DAGs: a line in the log, and a message by any notifier of Airflow that `CLUSTERING_NOTIFIER` names.

A module that is installed, so that every component of Airflow can import it: failures are told of by workers and the
DAG processor, missed deadlines by the triggerer.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseNotifier, Connection
from airflow.sdk.module_loading import import_string  # type: ignore[attr-defined]

from clustering.settings import AlertSettings

TIMEOUT = 10  # seconds


class Alert(BaseNotifier):
    """Tell of something that a person should look at; what cannot be sent is an error in the log and no more.

    The templates of the notifier that sends it see `alert.subject` and `alert.text`.
    """

    def __init__(self, subject: str, text: str, context: Any = None) -> None:
        super().__init__(context=context)
        self.subject = subject
        self.text = text

    def notify(self, context: Any) -> None:
        """Write the line, and send the message."""
        told = self._tell(context)
        try:
            if notifier := configured_notifier():
                notifier(told)
        except Exception:
            self.log.exception("the alert could not be sent: %s", self.subject)

    async def async_notify(self, context: Any) -> None:
        """Do the same in the triggerer, where nobody may wait for a network."""
        told = self._tell(context)
        try:
            notifier = configured_notifier()
            if notifier and type(notifier).async_notify is not BaseNotifier.async_notify:
                notifier.context = told
                await notifier
            elif notifier:
                await asyncio.to_thread(notifier, told)
        except Exception:
            self.log.exception("the alert could not be sent: %s", self.subject)

    def _tell(self, context: Mapping[str, Any]) -> Any:
        run = context.get("dag_run")
        name = run.get("dag_run_id") if isinstance(run, dict) else None  # what a missed deadline has for a context
        text = f"{self.text} (run {name})" if name else self.text
        self.log.error("%s: %s", self.subject, text)
        return {**context, "alert": {"subject": self.subject, "text": text}}


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


def configured_notifier() -> BaseNotifier | None:
    """Return the notifier that the environment names, made anew."""
    settings = AlertSettings.read().notifier
    if settings is None:
        return None
    notifier: BaseNotifier = import_string(settings.classpath)(**settings.kwargs)
    return notifier


def webhook_address(connection: Any) -> str:
    """Return the URL of an HTTP connection: its host, with the scheme, and the path, which is its password.

    Who knows the path of an incoming webhook may post there, so it is the secret.
    """
    return f"{connection.host.rstrip('/')}/{(connection.password or '').lstrip('/')}"
