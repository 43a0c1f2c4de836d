"""What all settings share: they are frozen, and know every key that there is."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

IDENTIFIER = r"^[a-z_][a-z0-9_]{0,55}$"
Identifier = Annotated[str, Field(pattern=IDENTIFIER)]


class Frozen(BaseModel):
    """Settings that cannot be changed; a key that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
