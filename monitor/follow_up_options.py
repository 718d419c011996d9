"""`[follow_up]`: how customers are asked what became of an answer."""

from __future__ import annotations

from pydantic import Field

from monitor.section import Options


class FollowUpOptions(Options):
    """Needs page.url, an address of the page that customers reach."""

    ask: bool = Field(
        default=False,
        description="whether replies that only the customer reads, by mail, ask with a link how it was handled",
    )
    days: int = Field(default=30, ge=1, le=365, description="days for which such a link works")
