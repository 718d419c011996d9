"""What platforms say of their quotas in headers: X-RateLimit-Remaining and -Reset, or without the X."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from monitor.errors import TemporaryError
from monitor.http import DAY, error_for, retry_after

_PREFIXES = ("x-ratelimit-", "ratelimit-")
_EPOCH = 1e9  # a larger number of seconds is a moment, not a pause


def pause(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds until the source wants to be asked again; 0 while something is left in this window."""
    spent = any(headers.get(f"{prefix}remaining", "").strip() == "0" for prefix in _PREFIXES)
    return until_reset(headers, now) or 0.0 if spent else 0.0


def too_many(who: str, headers: Mapping[str, str], now: datetime) -> TemporaryError:
    """The error for a 429. `who` is shown to people."""
    seconds = retry_after(headers.get("Retry-After"), now)
    return TemporaryError(
        str(error_for(429, who, headers)), retry_after=until_reset(headers, now) if seconds is None else seconds
    )


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
