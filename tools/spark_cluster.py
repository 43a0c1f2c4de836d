"""A real Spark cluster on this machine, for tests and measurements: a master, workers and a Spark Connect server."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from components import end_sessions, free_port
from install import PROJECT, UV, UV_LOCKED, pip_options
from pip_configuration import uv_arguments, uv_environment
from program import ProgramError, run_program

RELEASE = "4.3.0"
LOCK = f"pyspark=={RELEASE} --hash=sha256:e8c517948eff7088a7aa07449aa8eafa4a15a8d50319de2525a6fd26622476c6\n"
OLDEST_JAVA = 17
HOST = "127.0.0.1"
START_TIMEOUT = 120.0  # seconds
EXECUTOR_MB = 512  # Spark takes no less than 450 for an executor, nor for the server that submits
WORKER_MB = 1024
DAEMON_MB = 128
MASTER, WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
REGISTERED = "Successfully registered with master"
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"


class ClusterError(Exception):
    """A part of the cluster did not start; the message has the end of its log."""


class MissingError(ClusterError):
    """Java or Spark cannot be had here; the message says why."""


@dataclass
class SparkCluster:
    """A running cluster; `remote` is the address of its Spark Connect server, with its token."""

    folder: Path
    home: Path
    environment: Mapping[str, str]
    settings: Path
    master: str
    remote: str
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def given(self) -> tuple[str, ...]:
        """The settings, as Spark's programs take them."""
        return ("--properties-file", str(self.settings))

    def start(self, name: str, *arguments: str, host: str = HOST, memory: int = DAEMON_MB) -> None:
        """Start one of Spark's programs, with a log of its own, in a session of its own."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                ["nice", "-n", "10", str(self.home / "bin" / "spark-class"), *arguments],
                env={**self.environment, "SPARK_DAEMON_MEMORY": f"{memory}m", "SPARK_LOCAL_IP": host},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start_worker(self, number: int) -> None:
        """Start a worker with one core, and wait until the master knows it.

        Each has an address of its own: Spark starts no task a second time on the host where it is slow.
        """
        name, host = worker(number), f"127.0.0.{number + 2}"
        own = ("--cores", "1", "--memory", f"{WORKER_MB}m", "--work-dir", str(self.folder / name))
        at = ("--host", host, "--port", "0", "--webui-port", "0")
        self.start(name, WORKER, *at, *self.given, *own, self.master, host=host)
        self.wait_for(name, REGISTERED)

    def executors(self, number: int) -> list[psutil.Process]:
        """Return what a worker has started: its executors and their Pythons."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.processes[worker(number)].pid)
            found: list[psutil.Process] = process.children(recursive=True)
            return found
        return []

    def kill_worker(self, number: int) -> None:
        """Kill a worker with all that it has started, as when its machine loses power."""
        process = self.processes.pop(worker(number))
        end_sessions({process.pid}, grace=0)
        process.wait()

    def said(self, name: str) -> str:
        """Return the log of a program."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_for(self, name: str, words: str) -> None:
        """Wait until a program has said something; ClusterError where it ends before, or takes too long."""
        limit = time.monotonic() + START_TIMEOUT
        while words not in self.said(name):
            if self.processes[name].poll() is not None or time.monotonic() > limit:
                raise ClusterError(f"{name} of Spark did not start: {self.said(name)[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End every process and all that it has started."""
        end_sessions({process.pid for process in self.processes.values()})
        for process in self.processes.values():
            process.wait()
        self.processes.clear()


def worker(number: int) -> str:
    """Return the name of a worker.

    >>> worker(0)
    'worker0'
    """
    return f"worker{number}"


@contextmanager
def running(folder: Path, *, workers: int = 2, options: Mapping[str, str] | None = None) -> Iterator[SparkCluster]:
    """Run a master, so many workers with a core each, and a Spark Connect server, which this machine alone reaches.

    `options` are settings of Spark's. Raises MissingError where Java or Spark cannot be had, ClusterError where one of
    its programs does not start.
    """
    home, java = install(), find_java()
    token, port, master = secrets.token_hex(16), free_port(), free_port()
    settings = folder / "spark.properties"
    settings.touch(mode=0o600)
    settings.write_text("".join(f"{name} {value}\n" for name, value in _settings(port, options or {}).items()))
    cluster = SparkCluster(
        folder,
        home,
        _environment(folder, home, java, token),
        settings,
        f"spark://{HOST}:{master}",
        f"sc://localhost:{port}/;token={token}",
    )
    try:
        at = ("--host", HOST, "--port", str(master), "--webui-port", "0")
        cluster.start("master", MASTER, *at, *cluster.given)
        cluster.wait_for("master", "New state: ALIVE")
        submit = ("org.apache.spark.deploy.SparkSubmit", "--master", cluster.master, *cluster.given)
        cluster.start("connect", *submit, "--class", CONNECT, "spark-internal", memory=EXECUTOR_MB)
        for number in range(workers):
            cluster.start_worker(number)
        _wait_for_port(cluster, port)
        yield cluster
    finally:
        cluster.stop()


def _settings(port: int, options: Mapping[str, str]) -> dict[str, str]:
    return {
        "spark.connect.grpc.binding.address": HOST,
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": HOST,
        "spark.driver.host": HOST,
        "spark.driver.memory": f"{EXECUTOR_MB}m",
        "spark.executor.cores": "1",
        "spark.executor.memory": f"{EXECUTOR_MB}m",
        "spark.authenticate": "true",
        "spark.authenticate.secret": secrets.token_hex(16),
        "spark.master.rest.enabled": "false",
        "spark.ui.enabled": "false",
        **options,
    }


def _environment(folder: Path, home: Path, java: Path, token: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    return {
        **kept,
        "JAVA_HOME": str(java),
        # Its programs live for a minute, and their work is done by Python.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(PROJECT),
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
        "SPARK_CONF_DIR": str(folder),
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
    }


def _wait_for_port(cluster: SparkCluster, port: int) -> None:
    limit = time.monotonic() + START_TIMEOUT
    while True:
        with suppress(OSError), socket.create_connection((HOST, port), 1):
            return
        if cluster.processes["connect"].poll() is not None or time.monotonic() > limit:
            raise ClusterError(f"Spark Connect did not start: {cluster.said('connect')[-2000:]}")
        time.sleep(0.2)


def find_java() -> Path:
    """Return the home of a Java that Spark runs on; MissingError where there is none."""
    named = os.environ.get("JAVA_HOME")
    program = str(Path(named) / "bin" / "java") if named else shutil.which("java")
    if program is None or not Path(program).exists():
        raise MissingError(f"Spark needs Java {OLDEST_JAVA} or later, and there is none")
    said = subprocess.run([program, "-version"], check=False, capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise MissingError(f"Spark needs Java {OLDEST_JAVA} or later, and {program} says {said.strip()!r}")
    return Path(program).resolve().parents[1]


def install() -> Path:
    """Install Spark into a folder of its own where it is not there, and return its home.

    Its package brings a `pyspark` of its own, which the environment has from the client already. Raises MissingError
    where it cannot be had.
    """
    folder = PROJECT / f".spark-{RELEASE}"
    with (PROJECT / f".spark-{RELEASE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be about it
        if not folder.exists():
            _install(folder)
    return folder / "pyspark"


def _install(folder: Path) -> None:
    fresh = folder.with_name(f"{folder.name}.new")  # renamed when it is complete: what was interrupted is begun again
    shutil.rmtree(fresh, ignore_errors=True)
    named = folder.with_name(f"{folder.name}.txt")
    named.write_text(LOCK, encoding="utf-8")
    wanted = (*UV_LOCKED, str(named), "--target", str(fresh))
    try:
        options = pip_options()
        command = [*UV, "install", "--python", sys.executable, *uv_arguments(options), *wanted]
        run_program(f"Install Spark {RELEASE}", command, uv_environment(options, os.environ))
    except ProgramError as error:
        raise MissingError(f"Spark {RELEASE} cannot be installed: {error}") from None
    fresh.rename(folder)
