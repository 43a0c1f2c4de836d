"""The packages are installed by uv, and by pip where that fails."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

from clustering.config import PROJECT
from install import LOCK, PIP, PIP_LOCKED, UV, UV_LOCKED, pinned, without
from program import ProgramError

A_LOCK = """a==1 \\
    --hash=sha256:aa
    # via b
uv==2.0 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
    # via c
uvloop==3 ; sys_platform != 'win32' \\
    --hash=sha256:dd
"""
NEIGHBOUR = "An honest neighbour."


def test_uv_is_the_one_of_the_lock() -> None:
    """What pip installs first is the pinned version, by its hashes."""
    assert pinned(A_LOCK, "uv") == "uv==2.0 \\\n    --hash=sha256:bb \\\n    --hash=sha256:cc\n"
    assert pinned(A_LOCK, "uvloop").endswith("--hash=sha256:dd\n")
    assert pinned(LOCK.read_text(encoding="utf-8"), "uv").startswith("uv==")


def test_a_pin_without_hashes_is_refused() -> None:
    """A lock that somebody wrote by hand is not installed from."""
    with pytest.raises(ProgramError, match=r"^requirements\.txt has no hashes of uv; take it anew"):
        pinned("uv==2.0\nuvloop==3 \\\n    --hash=sha256:dd\n", "uv")


def test_pip_can_install_the_lock_without_uv() -> None:
    """Only the pin of uv is left out."""
    assert without(A_LOCK, "uv") == A_LOCK.replace(pinned(A_LOCK, "uv"), "")
    assert without(A_LOCK, "uv").count("==") == 2


@pytest.mark.parametrize("told", [NEIGHBOUR, "Something else."], ids=["as locked", "another"])
@pytest.mark.parametrize("by", ["uv", "pip"])
def test_a_file_of_another_hash_is_refused(by: str, told: str, tmp_path: Path) -> None:
    """Both programs take the file that the lock was made for, and no other one of the same name and version."""
    digest = hashlib.sha256(write_wheel(tmp_path, NEIGHBOUR).read_bytes()).hexdigest()
    write_wheel(tmp_path, told)
    lock = tmp_path / "lock.txt"
    lock.write_text(f"neighbour==1.0 \\\n    --hash=sha256:{digest}\n", encoding="utf-8")
    options = ["--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / "installed")]
    command = [*UV, "install", *UV_LOCKED] if by == "uv" else [*PIP, "install", *PIP_LOCKED]
    done = subprocess.run([*command, str(lock), *options], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (told == NEIGHBOUR), done.stderr
    assert (tmp_path / "installed" / "neighbour.py").exists() == (told == NEIGHBOUR)


def write_wheel(folder: Path, text: str) -> Path:
    """Write a package of one module, the same bytes for the same text, and return its file."""
    about = "neighbour-1.0.dist-info"
    files = {
        "neighbour.py": f'"""{text}"""\n',
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: neighbour\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/RECORD": "".join(f"{about}/{name},,\n" for name in ("METADATA", "WHEEL", "RECORD")),
    }
    wheel = folder / "neighbour-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as packed:
        for name, content in files.items():
            packed.writestr(ZipInfo(name), content)
    return wheel


def test_installation_needs_nothing_but_python() -> None:
    """What runs before the packages are there imports none of them."""
    done = subprocess.run(
        [sys.executable, "-ISc", f"import sys; sys.path.insert(0, {str(PROJECT / 'tools')!r}); import install"],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
