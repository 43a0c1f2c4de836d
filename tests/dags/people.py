"""People who answer what a DAG run asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any


@contextmanager
def person_who(choice: str, *, first: Callable[[], None] | None = None, **remarks: str) -> Iterator[None]:
    """Answer the first question that a DAG run asks, by the API that the page Required Actions uses.

    `first` is done before, while the run waits for the answer.
    """
    from airflow.api_fastapi.auth.managers.simple.services.login import SimpleAuthManagerLogin
    from fastapi.testclient import TestClient

    stop = threading.Event()
    client = TestClient(_app(), raise_server_exceptions=False)  # tries again when the run holds the database
    client.headers["Authorization"] = f"Bearer {SimpleAuthManagerLogin.create_token_all_admins()}"
    body = {"chosen_options": [choice], "params_input": remarks}

    def answer() -> None:
        nonlocal first
        while not stop.wait(0.2):
            asked = client.get("/api/v2/dags/~/dagRuns/~/hitlDetails", params={"response_received": False})
            for detail in asked.json()["hitl_details"] if asked.is_success else ():
                task = detail["task_instance"]
                if task["state"] != "awaiting_input":  # asked, but not yet waiting: an answer now would be overlooked
                    continue
                if first is not None:
                    first()
                    first = None
                run = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}"
                path = f"{run}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
                if client.patch(path, json=body).is_success:
                    return

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@cache
def _app() -> Any:
    from airflow.api_fastapi.app import create_app

    return create_app()
