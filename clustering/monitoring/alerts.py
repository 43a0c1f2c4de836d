"""Who is told of a night that is late, failed or drifted, from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clustering.errors import ConfigurationError

VARIABLE = "CLUSTERING_NOTIFIER"


@dataclass(frozen=True)
class NotifierSettings:
    """A class of notifier by its dotted path, and the arguments that one is made with."""

    classpath: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def notifier_settings() -> NotifierSettings | None:
    """Return what `CLUSTERING_NOTIFIER` names, None where it is not set.

    Raises ConfigurationError unless it is JSON with a classpath and, where needed, kwargs.
    """
    written = os.environ.get(VARIABLE, "").strip()
    if not written:
        return None
    try:
        value = json.loads(written)
        settings = NotifierSettings(**value)
        if not isinstance(settings.classpath, str) or not isinstance(settings.kwargs, dict):
            raise TypeError
    except (ValueError, TypeError):
        raise ConfigurationError(
            f'{VARIABLE} is not of the form {{"classpath": "package.module.Class", "kwargs": {{}}}} (not repeated '
            "here, for the addresses that may be in it)"
        ) from None
    return settings
