"""Settings of a model in one line, as verdicts name them: keys and values of YAML, `eps: 0.42, min_samples: 8`."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import ValidationError

from clustering.config.files import UniqueKeyLoader
from clustering.config.models import ModelSpec, specification
from clustering.config.setting_faults import model_faults_in_words
from clustering.errors import ConfigurationError

_OTHERS = {"algorithm": "name another model", "features": "name the columns instead"}


def declared_settings(line: str) -> dict[str, Any]:
    """Return the settings of a line by their keys; ConfigurationError for one that is none.

    >>> declared_settings("components: 4, covariance_types: [full]")
    {'components': 4, 'covariance_types': ['full']}
    """
    try:
        found = yaml.load(f"{{{line}}}", UniqueKeyLoader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError:
        found = None
    if not isinstance(found, dict) or not found or not all(str(key).isidentifier() for key in found):
        raise ConfigurationError(f"{line[:200]!r} declares nothing; write keys and values, such as 'clusters: 5'")
    return found


def declared_lines(line: str) -> str:
    """Return the settings of a line as a model's file has them.

    >>> print(declared_lines("components: 4, covariance_types: [full]"))
    components: 4
    covariance_types: [full]
    """
    return "\n".join(f"{key}: {_in_yaml(value)}" for key, value in declared_settings(line).items())


def declare(spec: ModelSpec, line: str) -> ModelSpec:
    """Return a model's settings with those of a line in place of its own; ConfigurationError for a wrong one."""
    found = declared_settings(line)
    for key, instead in _OTHERS.items():
        if key in found:
            raise ConfigurationError(f"{key}: is not declared here; {instead}")
    try:
        return specification({**spec.model_dump(), **found})
    except ValidationError as error:
        raise ConfigurationError(model_faults_in_words(error, whole="declaration")) from None


def _in_yaml(value: Any) -> str:
    return yaml.safe_dump([value], default_flow_style=True).strip()[1:-1]
