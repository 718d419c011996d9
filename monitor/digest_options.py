"""`[digest]`: the mail of the morning, and its weekly and monthly editions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from monitor.section import Options, Weekday


class DigestOptions(Options):
    """Digests go by mail, to people with an address; [people.NAME.digest] holds what is different for one of them."""

    daily: bool = Field(default=True, description="whether a digest is mailed in the morning")
    hour: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = Field(
        default="07:00", description="when digests are mailed, in the person's time zone"
    )
    days: tuple[Weekday, ...] = Field(
        default=("mon", "tue", "wed", "thu", "fri"),
        min_length=1,
        description="days of the daily one; it is about all days since the last one",
    )
    quiet: Literal["short", "none"] = Field(
        default="short", description="when nothing happened and nothing waits: a short mail, or none"
    )
    weekly: Weekday | Literal[""] = Field(
        default="", description="day of the weekly edition, which is about the seven days before; empty: none"
    )
    monthly: int = Field(
        default=0, ge=0, le=28, description="day of the monthly edition, which is about the month before; 0: none"
    )
