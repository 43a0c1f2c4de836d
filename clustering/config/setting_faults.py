"""What is wrong with settings, in words: the key, the value and what is allowed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from clustering.config.frozen import IDENTIFIER
from clustering.config.models import registered_specifications
from clustering.errors import did_you_mean

_KEY = "[key]"  # pydantic's word in a place for the name that a mapping gives, rather than for its value


def faults_in_words(error: ValidationError, kind: type[BaseModel]) -> str:
    """Return all faults of a document that was to be a `kind`, with semicolons between them."""
    return "; ".join(_sentence(fault, fault["loc"], kind) for fault in error.errors())


def model_faults_in_words(error: ValidationError, *, whole: str = "file") -> str:
    """Return all faults of a model's settings, whose place in the error begins with the algorithm.

    `whole` is what the settings together are called, for faults that are of no single one.
    """
    kinds = registered_specifications()
    algorithms = ", ".join(kinds)
    told = []
    for fault in error.errors():
        if fault["type"] == "union_tag_not_found":
            told.append(f"algorithm: is missing; it is one of {algorithms}")
        elif fault["type"] == "union_tag_invalid":
            told.append(f"algorithm: has to be one of {algorithms}, found {fault['ctx']['tag']!r}")
        elif fault["loc"]:
            told.append(_sentence(fault, fault["loc"][1:], kinds[str(fault["loc"][0])], whole))
        else:
            told.append(_sentence(fault, (), BaseModel, whole))
    return "; ".join(told)


def _sentence(fault: Any, place: tuple[int | str, ...], kind: type[BaseModel], whole: str = "file") -> str:
    *around, name = place or (whole,)
    key = ".".join(str(part) for part in place) or whole
    if fault["type"] == "extra_forbidden":
        meant = did_you_mean(str(name), dict.fromkeys(_settings(kind, tuple(around))))
        return f"{key}: is no setting{_found(fault)}{meant}"
    if fault["type"] == "missing":
        return f"{key}: is missing, and has no default"
    if fault["type"] == "string_pattern_mismatch" and fault["ctx"]["pattern"] == IDENTIFIER:
        return _misnamed(fault, tuple(around) if name == _KEY else place, kind)
    message = fault["msg"].removeprefix("Value error, ").replace("valid tuple", "valid list")  # YAML has no tuples
    return f"{key}: {message}{_found(fault)}"


def _misnamed(fault: Any, place: tuple[int | str, ...], kind: type[BaseModel]) -> str:
    told = (
        f"{'.'.join(map(str, place))}: has to be at most 56 lower-case letters, digits and underscores, no digit first"
    )
    has_aliases = "aliases" in _settings(kind, place)
    return f"{told}{_found(fault)}{'; what the source calls it stands under its aliases' if has_aliases else ''}"


def _found(fault: Any) -> str:
    return "" if isinstance(fault["input"], (dict, list, tuple)) else f", found {fault['input']!r}"


def _settings(kind: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the settings that there are at a place of a document that is to be a `kind`."""
    here: Any = kind
    for part in place:
        here = _within(here, part)
    return [name for one in _alternatives(here) if _is_model(one) for name in one.model_fields]


def _within(here: Any, part: int | str) -> Any:
    """Return the type of a part; of a part that only names an alternative, the type itself."""
    for one in _alternatives(here):
        if _is_model(one) and part in one.model_fields:
            return one.model_fields[part].annotation
        origin = get_origin(one)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return get_args(one)[1]
        if origin in (tuple, list):
            return get_args(one)[0]
    return here


def _alternatives(here: Any) -> Iterator[Any]:
    if get_origin(here) is Annotated:
        yield from _alternatives(get_args(here)[0])
    elif get_origin(here) in (Union, UnionType):
        for one in get_args(here):
            yield from _alternatives(one)
    else:
        yield here


def _is_model(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, BaseModel)
