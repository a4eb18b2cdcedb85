"""What every part of a manifest is made of: frozen models, names, versions, references to the environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^env:[A-Z][A-Z0-9_]*$")]
Version = Annotated[str, StringConstraints(pattern=r"^\d{1,6}\.\d{1,6}$")]
Text = Annotated[str, StringConstraints(pattern=r"\S")]
"""A text that says something."""


class Model(BaseModel):
    """A frozen model that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)
