"""`[alerts]`: what people are told at once beside drafts, and when they are left alone."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor.section import Options

AlertKind = Literal["spike", "spreading", "overdue", "silent"]


class AlertOptions(Options):
    """What is urgent (danger, law, press) and what went wrong with a reply is told at once, whatever stands here."""

    muted: str = Field(
        default="",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)?$",
        description="hours in which alerts wait, in page.timezone, e.g. 20:00-07:00; empty: none",
    )
    gather: float = Field(
        default=2.0, ge=0.0, le=60.0, description="minutes that an alert waits for others, so that they come together"
    )
    cool_down: float = Field(
        default=6.0, gt=0.0, le=168.0, description="hours until an alert about something that goes on is repeated"
    )
    off: tuple[AlertKind, ...] = Field(
        default=(), description="alerts that nobody wants: spike, spreading, overdue, silent"
    )
