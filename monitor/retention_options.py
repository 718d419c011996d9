"""`[retention]`: how long what customers wrote is kept."""

from __future__ import annotations

from pydantic import Field

from monitor.section import Options


class RetentionOptions(Options):
    """Counts and verdicts stay for ever; words, names and links go. 0 keeps them for ever."""

    answered: int = Field(
        default=24, ge=0, le=1200, description="months that the words of answered mentions are kept; 0: for ever"
    )
    unanswered: int = Field(
        default=24, ge=0, le=1200, description="months that the words of all other mentions are kept; 0: for ever"
    )
    drafts: int = Field(default=24, ge=0, le=1200, description="months that settled drafts and answers are kept")
    messages: int = Field(
        default=3,
        ge=0,
        le=1200,
        description="months that the contents of sent Slack messages and mails are kept, "
        "and which alerts, notices and digests went out",
    )
    audit: int = Field(
        default=60,
        ge=0,
        le=1200,
        description="months that the list of who decided what is kept, and what customers did after an answer",
    )
    gone: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="days that the words of a mention are kept which its author deleted; "
        "0: for ever; sources that demand it are erased at once",
    )
    backups: int = Field(default=5, ge=0, le=1000, description="backups that are kept, the newest ones; 0: all of them")
    backup_age: int = Field(default=3, ge=0, le=1200, description="months after which a backup is deleted; 0: never")
