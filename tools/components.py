"""Airflow's processes: started together, watched, and ended together with all that they have started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

API_SERVER = "api-server"
GRACE = 10  # seconds to end by itself, before what is left is killed


class ComponentError(Exception):
    """One of Airflow's processes has ended; the message names its log."""


class Components:
    """Airflow's processes, each with its own log file."""

    def __init__(self, environment: Mapping[str, str], logs: Path, record: Path) -> None:
        self._environment = dict(environment)
        self._logs = logs
        self._record = record
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start `airflow <name> <arguments>` in a session of its own, so that Ctrl-C reaches this process alone."""
        with self.log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", name, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running = [process.pid for process in self._processes.values() if process.poll() is None]
        self._record.write_text(json.dumps([(pid, psutil.Process(pid).create_time()) for pid in running]))
        return self._processes[name]

    def finish(self, name: str) -> None:
        """Wait for a process that ends by itself; ComponentError when it fails."""
        if self._processes[name].wait():
            self.check()
        del self._processes[name]

    def check(self) -> None:
        """Raise ComponentError when a process has ended."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                log = self.log(name)
                lines = log.read_text(errors="replace").strip().splitlines() or ["it wrote nothing"]
                raise ComponentError(f"airflow {name} ended with {process.poll()}: {lines[-1]}\nIts log: {log}")

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self._logs / f"{name}.log"

    def stop(self) -> None:
        """End every process and all that it has started."""
        server = self._processes.get(API_SERVER)
        end_sessions({process.pid for process in self._processes.values() if process is not server})
        if server:
            # Last, so that tasks can tell how they end. It keeps nothing, and takes seconds to give its memory back.
            end_sessions({server.pid}, grace=0)
        for process in self._processes.values():
            process.wait(GRACE)
        self._processes.clear()
        self._record.unlink(missing_ok=True)


@contextmanager
def running(environment: Mapping[str, str], *, logs: Path, record: Path) -> Iterator[Components]:
    """Hold Airflow's processes, noted in a file while they run, and end them however the block ends."""
    components = Components(environment, logs, record)
    try:
        yield components
    finally:
        components.stop()


def stop_leftovers(record: Path) -> None:
    """End the noted processes that a process that was killed could not end."""
    try:
        noted = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return
    end_sessions({pid for pid, created in noted if not _is_another(pid, created)})
    record.unlink()


def start_airflow(components: Components, *, port: int, names: Sequence[str]) -> None:
    """Start the api-server and the named components."""
    start_api_server(components, port=port)
    start_services(components, names=names)


def start_api_server(components: Components, *, port: int) -> None:
    """Start the api-server, which loads for seconds before it needs its database to be migrated."""
    components.start(API_SERVER, "--host", "127.0.0.1", "--port", str(port))


def start_services(components: Components, *, names: Sequence[str]) -> None:
    """Start the named components on a migrated database."""
    for name in names:
        components.start(name, *(() if name == "dag-processor" else ("--skip-serve-logs",)))


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Return whether a port of 127.0.0.1 can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def end_on_signals() -> None:
    """Let the first Ctrl-C, SIGTERM or SIGHUP interrupt this process, and no later one its cleaning up."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, interrupt)


def end_sessions(sessions: set[int], *, grace: float = GRACE) -> None:
    """End all processes of some sessions; those that do not end in time are killed."""
    members = [process for process in psutil.process_iter() if _session(process) in sessions]
    for process in members if grace else ():
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(members, timeout=grace)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=GRACE)


def _session(process: psutil.Process) -> int:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return 0


def _is_another(pid: int, created: float) -> bool:
    """Return whether the number has gone to another process; it cannot while one of the session is alive."""
    try:
        return bool(psutil.Process(pid).create_time() != created)
    except psutil.NoSuchProcess:
        return False
