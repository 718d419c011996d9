"""What every table of config.toml is: its own file, so that groups of options can have files beside options.py."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Security = Literal["tls", "starttls", "none"]


class Options(BaseModel):
    """Refuses unknown keys, cannot be changed, and keeps inputs (which may be secrets) out of error messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("no such time zone; write it like 'Europe/Bratislava'") from error
    return name
