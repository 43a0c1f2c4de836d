"""What Spark's own cluster needs of a machine is asked for before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

import spark_cluster
from spark_cluster import MissingError, find_java, install


def java(folder: Path, said: str) -> Path:
    """Write a program that says it is a Java, and return its home."""
    program = folder / "home" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    program.chmod(0o755)
    return program.parents[1]


def test_java_of_the_environment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAVA_HOME goes before the path."""
    home = java(tmp_path, 'openjdk version "21.0.1" 2023-10-17')
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java() == home


@pytest.mark.parametrize("said", ['openjdk version "11.0.2" 2019-01-15', 'java version "1.8.0_201"', "segfault"])
def test_older_java_is_told(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark itself would end with a stack of errors."""
    monkeypatch.setenv("JAVA_HOME", str(java(tmp_path, said)))
    with pytest.raises(MissingError, match=r"Spark needs Java 17 or later, and .* says"):
        find_java()


def test_no_java_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether none was ever there, or JAVA_HOME is stale."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(MissingError, match="and there is none"):
        find_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match="and there is none"):
        find_java()


def test_spark_that_cannot_be_had_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an index, nothing looks as if it were installed."""
    monkeypatch.setattr(spark_cluster, "PROJECT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(MissingError, match=r"Spark \S+ cannot be installed"):
        install()
    assert not (tmp_path / f".spark-{spark_cluster.RELEASE}").exists()
