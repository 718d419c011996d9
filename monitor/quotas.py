"""What platforms say of their quotas in headers: X-RateLimit-Remaining and -Reset, without the X, or X-Rate-Limit-…"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.errors import TemporaryError
from monitor.http import DAY, error_for, retry_after
from monitor.ledger import Meter

_PREFIXES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
A_WHILE = 60.0  # seconds for which an account is left alone whose platform does not say how long
_EPOCH = 1e9  # a larger number of seconds is a moment, not a pause


def pause(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until the source wants to be asked again; 0 while something is left in this window."""
    left = remaining(headers)
    return until_reset(headers, now) or 0.0 if left is not None and left < 1 else 0.0


def heed(meter: Meter, headers: Mapping[str, str], now: datetime) -> float:
    """The same pause; and all who share the budget get to know what is left of it."""
    left, seconds = remaining(headers), until_reset(headers, now)
    if left is not None and seconds is not None:
        meter.observe(left, seconds)
    return pause(headers, now)


def too_many(who: str, headers: Mapping[str, str], now: datetime, meter: Meter | None = None) -> TemporaryError:
    """The error for a 429. `who` is shown to people; all who share the budget of `meter` stay away as well."""
    asked = retry_after(headers.get("Retry-After"), now)
    seconds = until_reset(headers, now) if asked is None else asked
    if meter is not None:
        meter.close(A_WHILE if seconds is None else seconds)
    told = error_for(429, who, headers)
    return TemporaryError(str(told), retry_after=seconds, cause=told.cause, words=told.words)


def remaining(headers: Mapping[str, str]) -> float | None:
    """None where nothing usable is said."""
    said = next((found.strip() for prefix in _PREFIXES if (found := headers.get(f"{prefix}remaining"))), "")
    return float(said) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", said) else None


def until_reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from `now`, from 1 to a day; None where nothing usable is said."""
    said = next((found.strip() for prefix in _PREFIXES if (found := headers.get(f"{prefix}reset"))), "")
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", said):
        seconds = float(said) if float(said) < _EPOCH else float(said) - now.timestamp()
    else:
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 1.0), DAY)
