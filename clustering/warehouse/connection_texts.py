"""What people write to name a warehouse, read into libpq's settings: a URL, `key=value` options, or Airflow's JSON.

Passwords come percent-encoded or as they are. What cannot be read is refused without a part of it: whatever a person
took for a password may stand anywhere in it.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import unquote

import psycopg2
from psycopg2.extensions import parse_dsn

from clustering.errors import ConfigurationError

Settings: TypeAlias = dict[str, str]

FORM = (
    "it looks like postgresql://user:password@host:5432/database, special characters percent-encoded; options "
    "host=… user=… password=… dbname=… and Airflow's JSON are read as well"
)
# What Airflow's provider documents beside libpq's own, and what is of no use here.
PROVIDER_OPTIONS = frozenset(
    {"cursor", "enable_log_db_messages", "sqlalchemy_scheme", "sqlalchemy_query", "aws_conn_id", "azure_conn_id"}
    | {"cluster-identifier", "workgroup-name", "region_name"}
)
PASSWORD_SERVICES = ("iam", "redshift", "redshift-serverless")  # they ask a cloud for a password
JSON_FIELDS = ("conn_type", "host", "login", "password", "schema", "port", "extra", "description", "conn_id")
COMMON_OPTIONS = (
    *("host", "port", "dbname", "user", "password", "passfile", "options", "application_name", "connect_timeout"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "keepalives_idle", "target_session_attrs"),
)
_SCHEME = re.compile(r"(?:postgres|postgresql)(\+\w+)?://", re.IGNORECASE)
_OPTIONS = re.compile(r"\w+ *=")
_ONE_HOST = r"(?:(?:[\w.-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-f:.%]+\])(?::[0-9]*)?"
_PLACE = re.compile(rf"(?P<hosts>{_ONE_HOST}(?:,{_ONE_HOST})*)(?:/(?P<dbname>[^/?@]*))?(?:\?(?P<query>.*))?")
_HOST = re.compile(r"[\w.:%-]*|[/@].*")  # a name, an address, a directory with a socket
_ESCAPED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_PLUS_FOR_SPACE = re.compile(r"-c\+")
_QUOTES = ('"', "'")


def read_settings(text: str, source: str, *, plus_is_space: bool = False) -> Settings:
    """Return libpq's settings that a text stands for; `source` names the text in messages.

    `plus_is_space` reads a plus sign in the options of a URL as Airflow and SQLAlchemy do. Raises ConfigurationError.
    """
    text = text.strip().removeprefix("\ufeff").strip()
    if len(text) > 1 and text[0] in _QUOTES and text[0] == text[-1]:
        text = text[1:-1].strip()
    if any(character < " " for character in text):
        raise refusal(source, "a line break or another control character stands in it")
    if text.startswith("{"):
        return _of_json(text, source)
    if scheme := _SCHEME.match(text):
        return _of_url(text[scheme.end() :], source, plus_is_space=plus_is_space or scheme[1] is not None)
    if not _OPTIONS.match(text):
        raise refusal(source)
    try:
        return checked(parse_dsn(text), source)
    except psycopg2.Error:
        raise refusal(source, "a value with a space stands in quotes, such as password='a b'") from None


def is_of_postgresql(kind: str) -> bool:
    """Return whether a connection of this type is one of PostgreSQL."""
    return _SCHEME.fullmatch(f"{kind}://") is not None


def settings_of_fields(fields: Mapping[str, Any], extra: Mapping[str, Any], source: str) -> Settings:
    """Return the settings of a connection of Airflow's: its fields by their names, and its extra options."""
    kind = fields.get("conn_type")
    if not is_of_postgresql(str(kind)):
        raise ConfigurationError(f"{source} has the type {kind!r}; it has to be one of the type Postgres")
    named = {"host": "host", "port": "port", "login": "user", "password": "password", "schema": "dbname"}
    given = {setting: fields.get(field) for field, setting in named.items()}
    settings = {name: str(value) for name, value in given.items() if value not in (None, "")}
    options = {name: _written(name, value, source) for name, value in _own(extra, source) if value is not None}
    return checked({**options, **settings}, source)


def checked(settings: Mapping[str, str], source: str) -> Settings:
    """Return settings without the newline that a file ends with, or refuse what can only be another thing."""
    settings = {name: value.rstrip("\r\n") for name, value in settings.items()}
    if not all(_HOST.fullmatch(host) for host in settings.get("host", "").split(",")):
        raise refusal(source, "its host is no name of a host")
    if "://" in settings.get("dbname", ""):
        raise refusal(source, "its database is no name of a database")
    if any("\0" in value for value in settings.values()):
        raise refusal(source, "a character in it is not allowed")
    if _PLUS_FOR_SPACE.match(settings.get("options", "")):
        settings["options"] = settings["options"].replace("+", " ")
    return settings


def refusal(source: str, why: str = "") -> ConfigurationError:
    """Return the error that says what a text has to look like, without a part of it."""
    told = f": {why}" if why else ""
    return ConfigurationError(
        f"{source} is not one of PostgreSQL (not repeated here for the password in it){told}; {FORM}"
    )


def _of_url(rest: str, source: str, *, plus_is_space: bool) -> Settings:
    """Read what follows the scheme. Of the places where the password may end, the first that leaves a host counts."""
    ends = [found.start() for found in re.finditer("@", rest)]
    for end in [None, *ends]:
        who, place = ("", rest) if end is None else (rest[:end], rest[end + 1 :])
        user, colon, password = who.partition(":")
        found = _PLACE.fullmatch(place)
        if not found or (not colon and re.search("[/?]", user)):
            continue
        options = _options((found["query"] or "").split("&"), plus_is_space=plus_is_space)
        if options is None:
            continue
        read = {"user": user, "password": password, "dbname": found["dbname"] or ""}
        settings = {name: _decoded(value) for name, value in read.items() if value} | _hosts(found["hosts"])
        return checked(settings | _of_options(options, source), source)
    raise refusal(source, _unknown_option(rest))


def _hosts(text: str) -> Settings:
    split = [re.fullmatch(r"(\[.*\]|[^:]*):?([0-9]*)", one) for one in text.split(",")]
    hosts = [_decoded(one[1].strip("[]")) for one in split if one]
    ports = [one[2] for one in split if one]
    found = {"host": ",".join(hosts), "port": ",".join(ports)}
    return {name: value for name, value in found.items() if value.strip(",")}


def _options(parts: list[str], *, plus_is_space: bool) -> Settings | None:
    """Return the options of a URL; None where there is one that nobody knows."""
    options = {}
    for part in filter(None, parts):
        name, equals, value = part.partition("=")
        if not equals or not _is_known(name):
            return None
        options[name] = _decoded(value.replace("+", " ") if plus_is_space else value)
    return options


def _of_options(options: Settings, source: str) -> Settings:
    given: dict[str, Any] = dict(options)
    if "__extra__" in given:  # what Airflow makes of options that are more than text
        given |= _object(given.pop("__extra__"), source)
    if given.get("ssl") == "true":  # as libpq takes it from JDBC
        del given["ssl"]
        given.setdefault("sslmode", "require")
    return {name: _written(name, value, source) for name, value in _own(given, source) if value is not None}


def _own(extra: Mapping[str, Any], source: str) -> Iterator[tuple[str, Any]]:
    """Yield the options that are libpq's; what only Airflow's hook needs is left out."""
    for name, value in extra.items():
        if name in PASSWORD_SERVICES:
            if value not in (None, False, "", "false", "False"):
                raise ConfigurationError(
                    f"{source} has the option {name}, which asks a cloud for a password, and that is not done here; "
                    "give a login with its password"
                )
        elif name not in PROVIDER_OPTIONS:
            if not _is_known(name):
                raise ConfigurationError(f"{source} has an option that libpq does not know{_nearest(name)}")
            yield name, value


def _of_json(text: str, source: str) -> Settings:
    fields = _object(text, source)
    if unknown := [name for name in fields if name not in JSON_FIELDS]:
        near = difflib.get_close_matches(unknown[0], (*JSON_FIELDS, "login"), n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(f"{source} has a field that Airflow does not know{meant} ({', '.join(JSON_FIELDS)})")
    extra = fields.get("extra") or {}
    return settings_of_fields(fields, extra if isinstance(extra, dict) else _object(extra, source), source)


def _object(text: Any, source: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise refusal(source, "it is not a JSON object")
    return found


def _written(name: str, value: Any, source: str) -> str:
    if isinstance(value, dict | list):
        raise ConfigurationError(
            f"{source} has the option {name} with more than one value; it takes a text or a number"
        )
    return str(int(value)) if isinstance(value, bool) else str(value)


def _decoded(text: str) -> str:
    """Return text without its percent-encoding; where a percent sign is none of it, nothing is encoded."""
    if not _ESCAPED.fullmatch(text):
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _unknown_option(rest: str) -> str:
    """Return a hint where all but the options can be read; the nearest name is ours, and no part of the text."""
    place, mark, query = rest.rpartition("?")
    names = [part.partition("=")[0] for part in query.split("&")]
    if not mark or "@" in query or not _PLACE.fullmatch(place.rpartition("@")[2]):
        return ""
    unknown = [name for name in names if not _is_known(name)]
    return f"it has an option that libpq does not know{_nearest(unknown[0])}" if unknown else ""


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, COMMON_OPTIONS, n=1)
    return f"; did you mean {near[0]}?" if near else ""


@lru_cache(maxsize=256)
def _is_known(name: str) -> bool:
    if name in PROVIDER_OPTIONS or name in PASSWORD_SERVICES or name in ("ssl", "__extra__"):
        return True
    if not re.fullmatch("[a-z_]+", name):
        return False
    try:
        parse_dsn(f"{name}=''")
    except psycopg2.Error:
        return False
    return True
