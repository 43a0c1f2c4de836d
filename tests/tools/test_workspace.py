"""What the processes of a workspace share."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

from cryptography.fernet import Fernet

from workspace import write_secrets


def test_secrets_are_made_once_for_all_processes(tmp_path: Path) -> None:
    """They are long enough, for nobody else to read, and stay for the next start."""
    write_secrets(tmp_path)
    file = tmp_path / "airflow.cfg"
    written = file.read_bytes()
    found = ConfigParser()
    found.read(file)
    Fernet(found["core"]["fernet_key"])
    assert min(len(found["api"]["secret_key"]), len(found["api_auth"]["jwt_secret"])) >= 64
    assert file.stat().st_mode & 0o077 == 0
    write_secrets(tmp_path)
    assert file.read_bytes() == written
