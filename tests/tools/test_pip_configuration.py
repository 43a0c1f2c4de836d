"""What pip is configured for reaches uv."""

from __future__ import annotations

import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pip_configuration import masked, read_listing, uv_arguments, uv_environment

# Of whoever runs the tests; what is asked of uv here must not depend on it.
BARE = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}


@contextmanager
def listening() -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Run a server that has no package; yield its host and port, and what it is asked for and by whom."""
    asked: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def ask_uv(options: dict[str, str]) -> str:
    """Let uv look for a package, and return what it says."""
    command = [sys.executable, "-m", "uv", "--no-config", "pip", "install", "--python", sys.executable, "--dry-run"]
    environment = uv_environment(options, {**BARE, "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"})
    done = subprocess.run(
        [*command, *uv_arguments(options), "nobody-has-this"], env=environment, capture_output=True, text=True
    )
    assert done.returncode
    return done.stderr


def test_pip_tells_its_configuration(tmp_path: Path) -> None:
    """Files, their sections and the environment are read as pip itself reads them."""
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://user:pa%2Fss@example.org/simple\ntimeout = 60\n"
        "extra-index-url =\n    https://one.example.org\n    https://two.example.org\n"
        "[install]\ntimeout = 90\n[download]\ntimeout = 1\n",
        encoding="utf-8",
    )
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env={**BARE, "PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": "", "PIP_RETRIES": "2"},
        check=True,
        capture_output=True,
        text=True,
    )
    options = read_listing(listed.stdout)
    assert (
        options.items()
        >= {
            "index-url": "https://user:pa%2Fss@example.org/simple",
            "extra-index-url": "https://one.example.org\nhttps://two.example.org",
            "timeout": "90",
            "retries": "2",
        }.items()
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"index-url": "https://a/simple"}, {"UV_DEFAULT_INDEX": "https://a/simple"}),
        (
            {"extra-index-url": "https://a/simple\nfile:///b"},
            {"UV_INDEX": "https://a/simple file:///b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"find-links": "https://a/links /missing file:///missing"}, {"UV_FIND_LINKS": "https://a/links"}),
        ({"trusted-host": "a b:8080"}, {"UV_INSECURE_HOST": "a b:8080"}),
        ({"constraint": "c.txt"}, {"UV_CONSTRAINT": "c.txt", "UV_BUILD_CONSTRAINT": "c.txt"}),
        ({"proxy": "user:word@a:3128"}, {"HTTPS_PROXY": "http://user:word@a:3128"}),
        ({"cert": "bundle.pem"}, {"SSL_CERT_FILE": "bundle.pem"}),
        ({"client-cert": "own.pem"}, {"SSL_CLIENT_CERT": "own.pem"}),
        ({"default-timeout": "7.5"}, {"UV_HTTP_TIMEOUT": "8"}),
        ({"retries": "2", "no-cache-dir": "yes"}, {"UV_HTTP_RETRIES": "2", "UV_NO_CACHE": "1"}),
        ({"keyring-provider": "subprocess"}, {"UV_KEYRING_PROVIDER": "subprocess"}),
        ({}, {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never"}),
    ],
)
def test_options_become_variables(options: dict[str, str], told: dict[str, str]) -> None:
    """Each option of pip has its variable, and a Python is never downloaded."""
    assert uv_environment(options, {}).items() >= told.items()


def test_options_without_a_variable_become_arguments() -> None:
    """Where no index is to be asked, none is; an option that says no says nothing."""
    assert uv_arguments({"no-index": "1"}) == ["--no-index"]
    assert uv_arguments({"no-index": "false", "no-binary": ":all:"}) == ["--no-binary", ":all:"]


def test_present_folder_of_links_is_used(tmp_path: Path) -> None:
    """A folder is looked into whether it is named by its path or by a URL."""
    options = {"find-links": f"{tmp_path} {tmp_path.as_uri()} {tmp_path / 'missing'}"}
    assert uv_environment(options, {})["UV_FIND_LINKS"] == f"{tmp_path},{tmp_path}"


def test_uv_keeps_what_it_is_told_itself() -> None:
    """A variable of uv in the environment holds; a certificate that pip is given holds against the system's."""
    given = {"UV_DEFAULT_INDEX": "https://mine/simple", "SSL_CERT_FILE": "system.pem"}
    options = {"index-url": "https://a/simple", "cert": "pip.pem"}
    environment = uv_environment(options, given)
    assert environment["UV_DEFAULT_INDEX"] == "https://mine/simple"
    assert environment["SSL_CERT_FILE"] == "pip.pem"


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_of_the_environment_hold(name: str) -> None:
    """What pip reads from the environment where it is given no certificate, uv gets too."""
    environment = uv_environment({}, {name: "bundle.pem"})
    assert environment["SSL_CERT_FILE"] == "bundle.pem"
    assert "UV_SYSTEM_CERTS" not in environment


def test_uv_asks_the_indexes_of_pip_and_no_other() -> None:
    """Every index is asked, with its user and password, which are in nothing that is said."""
    with listening() as (first, asked), listening() as (second, asked_second):
        said = ask_uv(
            {
                "index-url": f"http://user:s3cret@{first}/simple",
                "extra-index-url": f"http://{second}/more",
            }
        )
    assert ("/simple/nobody-has-this/", f"Basic {b64encode(b'user:s3cret').decode()}") in asked
    assert ("/more/nobody-has-this/", None) in asked_second
    assert "not found" in said
    assert "s3cret" not in masked(said)


def test_uv_goes_through_the_proxy_of_pip() -> None:
    """An index that only the proxy can reach is asked for through it."""
    with listening() as (proxy, asked):
        ask_uv({"index-url": "http://mirror.invalid/simple", "proxy": proxy})
    assert "http://mirror.invalid/simple/nobody-has-this/" in {url for url, _ in asked}


def test_uv_asks_no_index_where_pip_asks_none() -> None:
    """With `no-index`, not even the index that is named is asked."""
    with listening() as (index, asked):
        ask_uv({"index-url": f"http://{index}/simple", "no-index": "true"})
    assert asked == []


@pytest.mark.parametrize("secret", ["user:s3cret", "s3cret", "s3cret:", "user:s3@cret"])
def test_secrets_are_masked(secret: str) -> None:
    """Nothing between the scheme and the host of a URL is shown."""
    text = f"Looking in indexes: https://{secret}@example.org/simple, https://{secret}@example.com/simple"
    assert masked(text) == "Looking in indexes: https://****@example.org/simple, https://****@example.com/simple"
    assert masked("see https://example.org/@user") == "see https://example.org/@user"
