"""What pip is configured for, as uv understands it: indexes, links, constraints, proxy and certificates."""

from __future__ import annotations

import ast
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What holds for `pip install`, the strongest first.
SECTIONS = (":env:", "install", "global")
VALUES = {"index-url": "UV_DEFAULT_INDEX", "client-cert": "SSL_CLIENT_CERT", "retries": "UV_HTTP_RETRIES"}
LISTS = {
    "extra-index-url": ("UV_INDEX",),
    "trusted-host": ("UV_INSECURE_HOST",),
    # Pip holds what it needs for a build to the same constraints.
    "constraint": ("UV_CONSTRAINT", "UV_BUILD_CONSTRAINT"),
}
PROXIES = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # of the environment
TRUE = ("1", "on", "t", "true", "y", "yes")


def read_listing(listing: str) -> dict[str, str]:
    r"""Return the options that hold for `pip install` out of what `pip config list` says.

    >>> read_listing("global.timeout='60'\ninstall.timeout='90'\ndownload.dest='x'")
    {'timeout': '90'}
    """
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in listing.splitlines():
        key, separator, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if separator and section in found and (text := str(ast.literal_eval(value)).strip()):
            found[section][option] = text
    return {option: text for section in reversed(SECTIONS) for option, text in found[section].items()}


def uv_environment(options: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for uv, which goes to the same places as pip with these options.

    What the environment itself tells uv holds.
    """
    told = {
        # A package is searched for in all indexes at once, as pip does, and not in the first that knows its name.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        **_places(options),
        **_keyring(options),
    }
    return {
        **environment,
        **{name: value for name, value in told.items() if not (name.startswith("UV_") and name in environment)},
        **_proxies(options),
        **_certificates(options, environment),
        "UV_PYTHON_DOWNLOADS": "never",
    }


def uv_arguments(options: Mapping[str, str]) -> list[str]:
    """Return the arguments for `uv pip install` that stand for options of pip without a variable of uv.

    >>> uv_arguments({"no-index": "true", "only-binary": "numpy,scipy"})
    ['--no-index', '--only-binary', 'numpy', '--only-binary', 'scipy']
    """
    arguments = ["--no-index"] if _is_true(options.get("no-index")) else []
    for option in ("no-binary", "only-binary"):
        for package in re.split(r"[\s,]+", options[option]) if option in options else ():
            arguments += [f"--{option}", package]
    return arguments


def masked(text: str) -> str:
    """Return a text without the user and the password of its URLs.

    >>> masked("Looking in indexes: https://user:word@example.org/simple")
    'Looking in indexes: https://****@example.org/simple'
    """
    return re.sub(r"://[^/\s]*@", "://****@", text)


def _places(options: Mapping[str, str]) -> dict[str, str]:
    told = {VALUES[option]: text for option, text in options.items() if option in VALUES}
    for option, names in LISTS.items():
        if option in options:
            told |= dict.fromkeys(names, " ".join(options[option].split()))
    if links := _present(options.get("find-links", "").split()):
        told["UV_FIND_LINKS"] = ",".join(links)
    if timeout := options.get("timeout", options.get("default-timeout")):
        told["UV_HTTP_TIMEOUT"] = str(math.ceil(float(timeout)))
    if _is_true(options.get("no-cache-dir")):
        told["UV_NO_CACHE"] = "1"
    return told


def _keyring(options: Mapping[str, str]) -> dict[str, str]:
    asks = options.get("keyring-provider") in ("import", "subprocess")
    return {"UV_KEYRING_PROVIDER": "subprocess"} if asks else {}


def _proxies(options: Mapping[str, str]) -> dict[str, str]:
    if not (proxy := options.get("proxy")):
        return {}
    url = proxy if "://" in proxy else f"http://{proxy}"
    return {name: url for upper in PROXIES for name in (upper, upper.lower())}


def _certificates(options: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    bundle = options.get("cert") or _first(environment.get(name) for name in BUNDLES)
    if bundle is None:
        return {"UV_SYSTEM_CERTS": environment.get("UV_SYSTEM_CERTS", "true")}
    return {"SSL_CERT_DIR" if Path(bundle).is_dir() else "SSL_CERT_FILE": bundle}


def _present(links: Iterable[str]) -> list[str]:
    """Return the links without local folders that are missing, which pip passes over and uv refuses."""
    places = [unquote(urlsplit(link).path) if link.startswith("file:") else link for link in links]
    return [place for place in map(os.path.expanduser, places) if "://" in place or Path(place).exists()]


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _is_true(text: str | None) -> bool:
    return (text or "").casefold() in TRUE
