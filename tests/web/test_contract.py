"""Schemathesis holds the running app to its own OpenAPI document."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.projects import Project
from tests.web.examples import SECRET
from tests.web.served import serving

# All but `positive_data_acceptance`: no schema says that a key stands once, or bounds a number that is written as text.
CHECKS = (
    "content_type_conformance",
    "ignored_auth",
    "missing_required_header",
    "negative_data_rejection",
    "not_a_server_error",
    "response_headers_conformance",
    "response_schema_conformance",
    "status_code_conformance",
    "unsupported_method",
    "use_after_free",
)


@pytest.mark.slow
def test_app_keeps_to_its_document(unchanged: Project, tmp_path: Path) -> None:
    """Generated requests get no failure of the server, and no answer that the document does not announce."""
    with serving(unchanged, tmp_path / "log") as address:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{address}/openapi.json", "--header", f"Authorization: Bearer {SECRET}"),
            *("--checks", ",".join(CHECKS), "--max-examples", "100", "--seed", "1", "--suppress-health-check", "all"),
        ]
        environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
        document = httpx.get(f"{address}/openapi.json", headers={"Authorization": f"Bearer {SECRET}"}).json()
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert f"Tested: {sum(map(len, document['paths'].values()))}" in done.stdout
