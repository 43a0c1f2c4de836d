"""docs/configure.md and docs/tables.md say what the code and the schema say, and every setting in them is one."""

from __future__ import annotations

import ast
import asyncio
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import HTTPException
from pydantic import SecretStr

from clustering.config import (
    PROJECT,
    Configuration,
    configuration_directory,
    load_configuration,
    model_store,
    warehouse_address,
)
from clustering.errors import ConfigurationError
from clustering.settings import (
    AlertSettings,
    ApiLimits,
    DagLimits,
    NightSettings,
    ScheduleSettings,
    TaskSettings,
    WarehouseSettings,
)
from clustering.versions.read_cache import cache_of_this_machine
from clustering.warehouse import Warehouse, warehouse_url
from clustering.warehouse.urls import CONNECTION
from clustering.web.security import token_access
from reference import CONFIGURE, TABLES, configure_page, tables_page, variables
from tests.docs.pages import PAGES, rows, text
from tests.paths import CONFIGURATION

HEAD = ("key", "allowed", "default", "meaning")
WRONG = {"nothing": {"of": "this form"}}  # no setting takes it

# Where a key of each section stands: the file, and the path to what holds it.
PLACES: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "customers.yaml": ("customers.yaml", ()),
    "customers.yaml: source": ("customers.yaml", ("source",)),
    "customers.yaml: orders": ("customers.yaml", ("orders",)),
    "customers.yaml: features": ("customers.yaml", ("orders", "features", "age")),
    "customers.yaml: customers": ("customers.yaml", ("orders", "customers")),
    "customers.yaml: columns": ("customers.yaml", ("columns", "age")),
    "customers.yaml: aliases": ("customers.yaml", ("columns", "age", "aliases", 0)),
    "customers.yaml: formats": ("customers.yaml", ("formats",)),
    "customers.yaml: drift": ("customers.yaml", ("drift",)),
    "segments.yaml": ("segments.yaml", ()),
    "segments.yaml: segments": ("segments.yaml", ("segments", 0)),
    "segments.yaml: outliers": ("segments.yaml", ("outliers",)),
    "exports.yaml": ("exports.yaml", ()),
    "exports.yaml: audiences": ("exports.yaml", ("audiences", "loyalists")),
    "exports.yaml: consent": ("exports.yaml", ("audiences", "loyalists", "consent")),
    "exports.yaml: suppressed": ("exports.yaml", ("audiences", "others", "consent", "suppressed")),
    "Models: every algorithm": ("gmm.yaml", ()),
    "Models: kmeans": ("kmeans.yaml", ()),
    "Models: gmm": ("gmm.yaml", ()),
    "Models: dbscan": ("dbscan.yaml", ()),
    "Models: gate": ("kmeans.yaml", ("gate",)),
}

_SENT = {"columns": ["customer_id"], "destination": "drop"}
EXPORTS = {
    "destinations": ["drop"],
    "audiences": {
        "loyalists": {**_SENT, "path": "loyalists.csv", "consent": {"waived": "a test"}},
        "others": {
            **_SENT,
            "path": "others.csv",
            "consent": {"suppressed": {"table": "public.suppressed", "column": "customer_id"}},
        },
    },
}

ORDERS = {
    "table": "public.orders",
    "customer": "customer_id",
    "time": "ordered_at",
    "amount": "amount",
    "customers": {"table": "public.customers", "key": "customer_id", "since": "registered_at"},
    "features": {
        "annual_income": {"feature": "revenue"},
        "spending_score": {"feature": "orders"},
        "age": {"feature": "orders", "days": 90},
    },
}


def _read(document: str) -> Any:
    return yaml.load(document, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (a safe loader)


def _write(document: Any) -> str:
    return str(yaml.dump(document, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))


def settings() -> list[tuple[str, str, str]]:
    """Return section, key and default of every setting that the page lists."""
    found = []
    for section in text("docs/configure.md").split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        keys = re.findall(r"^\| `(\w+)` \| (?:.*?) \| (required|see below|`.*?`) \| ", body, re.MULTILINE)
        found += [(title, key, default) for key, default in keys if title in PLACES]
    return found


SETTINGS = settings()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a configuration with an alias to change."""
    found = Path(shutil.copytree(CONFIGURATION, tmp_path / "models"))
    (found / "exports.yaml").write_text(_write(EXPORTS), encoding="utf-8")
    for section, (file, _) in PLACES.items():
        if not (found / file).exists():  # an algorithm that no other test has a model of
            model = {"algorithm": section.removeprefix("Models: "), "features": ["annual_income", "spending_score"]}
            (found / file).write_text(_write(model), encoding="utf-8")
    change(found / "customers.yaml", ("columns", "age"), "aliases", [{"header": "Years", "factor": 1.0}])
    # A source has to be somewhere: with a query there, `table` and `source.table` can have their defaults.
    change(found / "customers.yaml", (), "source", {"query": "select 1"})
    change(found / "customers.yaml", (), "table", None)
    return found


def declare(directory: Path, section: str) -> None:
    """Take the customers from declared orders, where the section is about these."""
    if "orders" not in PLACES[section][1]:
        return
    file = directory / "customers.yaml"
    document = _read(file.read_text(encoding="utf-8"))
    columns = {name: column for name, column in document["columns"].items() if name != "gender"}
    document |= {"table": None, "source": {}, "orders": ORDERS, "columns": columns}
    file.write_text(_write(document), encoding="utf-8")


def change(file: Path, path: tuple[str | int, ...], key: str, value: Any) -> None:
    """Write one setting into a file."""
    document = _read(file.read_text(encoding="utf-8"))
    place = document
    for step in path:
        place = place.setdefault(step, {}) if isinstance(step, str) else place[step]
    place[key] = value
    file.write_text(_write(document), encoding="utf-8")


def held(configuration: Configuration, section: str, key: str) -> Any:
    """Return what a loaded configuration has for a setting."""
    file, path = PLACES[section]
    found: Any = {
        "customers.yaml": configuration.contract,
        "segments.yaml": configuration.segments,
        "exports.yaml": configuration.exports,
    }.get(file) or configuration.models[file.removesuffix(".yaml")]
    for step in path:
        found = getattr(found, step) if isinstance(step, str) and not isinstance(found, Mapping) else found[step]
    return getattr(found, key)


def test_page_of_settings_is_up_to_date() -> None:
    """docs/configure.md is what `make docs` makes."""
    assert CONFIGURE.read_text(encoding="utf-8") == configure_page()


def test_page_of_tables_is_up_to_date(warehouse: Warehouse) -> None:
    """docs/tables.md is what `make docs` makes of a migrated database."""
    assert TABLES.read_text(encoding="utf-8") == tables_page(warehouse.uri)


def test_every_section_has_a_place() -> None:
    """No section of the page goes untested."""
    assert {section for section, _, _ in SETTINGS} == set(PLACES)
    assert len(SETTINGS) == len(rows("docs/configure.md", *HEAD))


@pytest.mark.parametrize(("section", "key", "default"), [one for one in SETTINGS if one[2].startswith("`")])
def test_default_is_what_the_page_says(directory: Path, section: str, key: str, default: str) -> None:
    """A setting that is written out as its default is taken, and is what holds without it."""
    declare(directory, section)
    file, path = PLACES[section]
    if (section, key) == ("customers.yaml: source", "query"):
        change(directory / file, path, "table", "public.customers")
    if (section, key) == ("exports.yaml: consent", "waived"):
        change(directory / file, path, "column", "age")
    if (section, key) == ("exports.yaml: audiences", "path"):
        change(directory / file, path, "table", "crm.loyalists")
    change(directory / file, path, key, _read(default.strip("`")))
    written = held(load_configuration(directory), section, key)
    document = _read((directory / file).read_text(encoding="utf-8"))
    place = document
    for step in path:
        place = place[step]
    del place[key]
    (directory / file).write_text(_write(document), encoding="utf-8")
    assert held(load_configuration(directory), section, key) == written


@pytest.mark.parametrize(("section", "key"), [one[:2] for one in SETTINGS])
def test_wrong_value_is_refused_by_its_key(directory: Path, section: str, key: str) -> None:
    """A value that the page does not allow stops the loading, and the message names file and key."""
    declare(directory, section)
    file, path = PLACES[section]
    change(directory / file, path, key, WRONG)
    with pytest.raises(ConfigurationError, match=rf"{re.escape(file)}: .*\b{key}\b|{re.escape(file)}: .*algorithm"):
        load_configuration(directory)


@pytest.mark.parametrize(("section", "key"), [one[:2] for one in SETTINGS if one[2] == "required"])
def test_required_setting_cannot_be_left_out(directory: Path, section: str, key: str) -> None:
    """What the page calls required is."""
    declare(directory, section)
    file, path = PLACES[section]
    document = _read((directory / file).read_text(encoding="utf-8"))
    place = document
    for step in path:
        place = place[step]
    del place[key]
    (directory / file).write_text(_write(document), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=key):
        load_configuration(directory)


def _other_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTERING_CONFIG", str(PROJECT / "examples" / "online_retail"))
    assert configuration_directory() == PROJECT / "examples" / "online_retail"
    monkeypatch.delenv("CLUSTERING_CONFIG")
    assert configuration_directory() == PROJECT / "models"


def _other_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTERING_STORE", "/somewhere/else")
    assert model_store() == Path("/somewhere/else")
    monkeypatch.setenv("CLUSTERING_STORE", "s3://bucket/folder")
    assert model_store() == "s3://bucket/folder"
    monkeypatch.delenv("CLUSTERING_STORE")
    assert model_store() == PROJECT / "models" / "store"


def _warehouse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://ada@host/database")
    assert warehouse_url() == "postgresql://ada@host/database"
    monkeypatch.delenv("WAREHOUSE_URL")
    with pytest.raises(ConfigurationError, match="WAREHOUSE_URL is not set"):
        warehouse_url()


def _connection(_: pytest.MonkeyPatch) -> None:
    # Airflow reads it; the DAGs' own tests run on it.
    assert f"AIRFLOW_CONN_{CONNECTION.upper()}" == "AIRFLOW_CONN_WAREHOUSE"


def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLUSTERING_API_ALLOW_ANONYMOUS", raising=False)
    monkeypatch.setenv("CLUSTERING_API_TOKEN", "a long random text")
    with pytest.raises(HTTPException, match="a valid token is needed"):
        asyncio.run(token_access().customers(None, None))
    monkeypatch.delenv("CLUSTERING_API_TOKEN")
    with pytest.raises(ConfigurationError, match="CLUSTERING_API_TOKEN is not set"):
        token_access()


def _anonymous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLUSTERING_API_TOKEN", raising=False)
    monkeypatch.setenv("CLUSTERING_API_ALLOW_ANONYMOUS", "1")
    asyncio.run(token_access().customers())


def _limit(name: str, read: Callable[[], int]) -> Callable[[pytest.MonkeyPatch], None]:
    def exercise(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(name, raising=False)
        (default,) = (row[1] for row in rows("docs/configure.md", "variable", "default", "meaning") if name in row[0])
        assert read() == int(default.strip("`"))
        monkeypatch.setenv(name, "7")
        assert read() == 7

    return exercise


def _notifier(name: str, severities: set[str]) -> Callable[[pytest.MonkeyPatch], None]:
    def exercise(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(name, raising=False)
        assert not any(AlertSettings.read().of(severity) for severity in ("critical", "warning"))
        monkeypatch.setenv(name, '{"classpath": "package.Mail", "kwargs": {"to": "ada@example.com"}}')
        assert {one for one in ("critical", "warning") if AlertSettings.read().of(one)} == severities

    return exercise


def _setting(name: str, value: str, held: Any, read: Callable[[], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    def exercise(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(name, raising=False)
        assert read() != held
        monkeypatch.setenv(name, value)
        assert read() == held

    return exercise


EXERCISES: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    "WAREHOUSE_URL": _warehouse,
    "AIRFLOW_CONN_WAREHOUSE": _connection,
    "CLUSTERING_CONFIG": _other_configuration,
    "CLUSTERING_STORE": _other_store,
    "CLUSTERING_STORE_CACHE": _setting(
        "CLUSTERING_STORE_CACHE", "/kept", Path("/kept"), lambda: cache_of_this_machine().folder
    ),
    "CLUSTERING_CATALOGUE_ADDRESS": _setting(
        "CLUSTERING_CATALOGUE_ADDRESS", "postgres://dwh/shop", "postgres://dwh:5432/shop", warehouse_address
    ),
    "CLUSTERING_SPARK": _setting(
        "CLUSTERING_SPARK", "sc://spark", SecretStr("sc://spark"), lambda: WarehouseSettings.read().spark
    ),
    "CLUSTERING_API_TOKEN": _token,
    "CLUSTERING_API_ALLOW_ANONYMOUS": _anonymous,
    "CLUSTERING_API_MAX_ROWS": _limit("CLUSTERING_API_MAX_ROWS", lambda: ApiLimits.read().rows),
    "CLUSTERING_API_MAX_BYTES": _limit("CLUSTERING_API_MAX_BYTES", lambda: ApiLimits.read().bytes),
    "CLUSTERING_DAG_MAX_ROWS": _limit("CLUSTERING_DAG_MAX_ROWS", lambda: DagLimits.read().rows),
    "CLUSTERING_NIGHT_HOURS": _limit("CLUSTERING_NIGHT_HOURS", lambda: NightSettings.read().hours),
    "CLUSTERING_TIMEZONE": _setting(
        "CLUSTERING_TIMEZONE", "Europe/Berlin", "Europe/Berlin", lambda: ScheduleSettings.read().timezone
    ),
    "CLUSTERING_NIGHT_SCHEDULE": _setting(
        "CLUSTERING_NIGHT_SCHEDULE", "30 1 * * *", "30 1 * * *", lambda: ScheduleSettings.read().night
    ),
    "CLUSTERING_NIGHT_ASSETS": _setting(
        "CLUSTERING_NIGHT_ASSETS", "a, s3://b", ("a", "s3://b"), lambda: ScheduleSettings.read().assets
    ),
    "CLUSTERING_TRAINING_SCHEDULE": _setting(
        "CLUSTERING_TRAINING_SCHEDULE", "none", "none", lambda: ScheduleSettings.read().training
    ),
    "CLUSTERING_POOL": _setting("CLUSTERING_POOL", "quiet", "quiet", lambda: TaskSettings.read().pool),
    "CLUSTERING_QUEUE": _setting("CLUSTERING_QUEUE", "large", "large", lambda: TaskSettings.read().queue),
    "CLUSTERING_PRIORITY": _limit("CLUSTERING_PRIORITY", lambda: TaskSettings.read().priority),
    "CLUSTERING_RETRIES": _limit("CLUSTERING_RETRIES", lambda: TaskSettings.read().retries),
    "CLUSTERING_TAGS": _setting("CLUSTERING_TAGS", "a, b", ("a", "b"), lambda: TaskSettings.read().tags),
    "CLUSTERING_NOTIFIER": _notifier("CLUSTERING_NOTIFIER", {"critical", "warning"}),
    "CLUSTERING_NOTIFIER_CRITICAL": _notifier("CLUSTERING_NOTIFIER_CRITICAL", {"critical"}),
    "CLUSTERING_NOTIFIER_WARNING": _notifier("CLUSTERING_NOTIFIER_WARNING", {"warning"}),
}
DOCUMENTED = [name.strip("`") for name, _, _ in rows("docs/configure.md", "variable", "default", "meaning")]


@pytest.mark.parametrize("name", DOCUMENTED)
def test_variable_does_what_the_page_says(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Every variable of the environment is read, and has the default of the page."""
    EXERCISES[name](monkeypatch)


def test_every_variable_of_the_code_is_documented() -> None:
    """docs/configure.md lists the variables that the package and the DAGs read, and no document names another."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("clustering", "dags")
        for path in (PROJECT / folder).rglob("*.py")
    )
    pattern = r"\b(?:CLUSTERING_[A-Z_]+|WAREHOUSE_URL|AIRFLOW_CONN_[A-Z]+)\b"
    assert set(re.findall(pattern, code)) == set(DOCUMENTED)
    assert [name for name, _, _ in variables()] == DOCUMENTED
    for page in PAGES:
        assert set(re.findall(pattern, text(page))) <= set(DOCUMENTED), page


def _params(dag: str) -> set[str]:
    """Return the parameters that the decorator of a DAG declares."""
    tree = ast.parse((PROJECT / "dags" / f"{dag}.py").read_text(encoding="utf-8"))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == dag)
    (declared,) = (
        keyword.value
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
        if keyword.arg == "params"
    )
    assert isinstance(declared, ast.Dict)
    return {ast.literal_eval(key) for key in declared.keys if key}


def test_every_parameter_of_the_dags_is_documented() -> None:
    """docs/operate.md lists the parameters of each DAG, and no others."""
    listed: dict[str, set[str]] = {}
    for dag, parameter, _ in rows("docs/operate.md", "DAG", "parameter", "meaning"):
        listed.setdefault(dag.strip("`"), set()).add(parameter.strip("`"))
    files = {path.stem for path in (PROJECT / "dags").glob("*.py")}
    dags = {name for name in files if not name.startswith("segmentation_")}
    assert listed == {dag: _params(dag) for dag in dags}
