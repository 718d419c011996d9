"""When people are told of something that goes on: together, not again and again, and not at night. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitor.alert_options import AlertOptions


def tell_at(now: datetime, options: AlertOptions, zone: ZoneInfo) -> datetime:
    """When something that happened at `now` is told."""
    return unmuted(now + timedelta(minutes=options.gather), options.muted, zone)


def cools_down(told_at: datetime | None, now: datetime, options: AlertOptions, zone: ZoneInfo) -> bool:
    """Whether what goes on was told so lately that telling it again says nothing new, or waits to be told together
    with what happens at `now`. Told at a later time, by a clock that was wrong, it is told again."""
    if told_at is None:
        return False
    waits = now < told_at <= tell_at(now, options, zone)
    return waits or abs(now - told_at) < timedelta(hours=options.cool_down)


def is_held_back(now: datetime, due: datetime, options: AlertOptions) -> bool:
    """Whether what happened at `now` is told so much later that it has to be said when it was."""
    return due - now > timedelta(minutes=options.gather)


def unmuted(at: datetime, muted: str, zone: ZoneInfo) -> datetime:
    """`at`, or the end of the muted hours ("20:00-07:00", in `zone`) that it falls into."""
    if not muted:
        return at
    begin, end = (time.fromisoformat(part) for part in muted.split("-"))
    local = at.astimezone(zone)
    over_midnight = end <= begin
    inside = local.time() >= begin or local.time() < end if over_midnight else begin <= local.time() < end
    if not inside:
        return at
    day = local.date() + timedelta(days=1 if over_midnight and local.time() >= begin else 0)
    return max(at, datetime.combine(day, end, zone).astimezone(at.tzinfo))
