"""A wheel holds what runs and nothing else, and its entry point leads to the plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.checkout import copy_checkout

pytestmark = pytest.mark.slow

LOAD = (
    "import sys; from importlib.metadata import entry_points;"
    "(found,) = entry_points(group='airflow.plugins', name='segmentation'); plugin = found.load();"
    "print(plugin.name, sys.modules[plugin.__module__].__file__)"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout in which an earlier release, with a module that is gone, was built."""
    folder = tmp_path_factory.mktemp("built") / "checkout"
    copy_checkout(folder)
    earlier = folder / "build" / "lib" / "clustering"
    earlier.mkdir(parents=True)
    (earlier / "gone.py").touch()
    return folder


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    """Return the wheel of a checkout."""
    pip(checkout, "wheel", "--wheel-dir", "dist", ".")
    (built,) = (checkout / "dist").iterdir()
    return built


def pip(folder: Path, command: str, *words: str) -> None:
    """Run pip in a folder, on this package alone."""
    program = [sys.executable, "-m", "pip", command, "--quiet", "--no-deps"]
    done = subprocess.run([*program, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def files(folder: Path, *patterns: str) -> set[str]:
    """Return the files of a folder that match, relative to it."""
    found = (path for pattern in patterns for path in folder.glob(pattern) if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found}


def test_wheel_holds_what_runs(checkout: Path, wheel: Path) -> None:
    """The package, the modules of plugins/, statements, models and DAGs; no server, and nothing of an earlier build."""
    beside = files(checkout, "sql/**/*.sql", "models/*.yaml", "dags/*.py")
    expected = files(checkout, "clustering/**/*") | files(checkout / "plugins", "*.py")
    with ZipFile(wheel) as packed:
        names = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert names == expected | {f"clustering/shipped/{name}" for name in beside}
    assert not [name for name in names if "embedded" in name]
    assert {name.split("/")[0] for name in beside} == {"sql", "models", "dags"}


def test_entry_point_leads_to_the_plugin(wheel: Path, tmp_path: Path) -> None:
    """What Airflow loads is the module that was installed."""
    pip(tmp_path, "install", "--target", str(tmp_path / "installed"), str(wheel))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-c", LOAD]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["segmentation", str(tmp_path / "installed" / "segmentation_plugin.py")], done.stderr
