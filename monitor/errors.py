"""Errors, named by what the caller does next."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar


class OhlasError(Exception):
    """Anything that Ohlas itself raises on purpose. The message is for people and carries no secret."""


class ConfigError(OhlasError):
    """The configuration cannot be used; `problems` holds every mistake, each with its key and a hint."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Ambiguous(OhlasError):
    """What was asked for may be several; `problems` are lines that list them and say how to choose."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class SourceError(OhlasError):
    """A source did not do what was asked of it. Only the subclasses are raised.

    The message is English. `cause` says what happened as a code, which responders/cause_codes.py has in words, for
    people who read another language; `words` is what they see quoted after it: an address, a status, what a platform
    said. Without a `cause` the class has one, and the message itself is what is quoted.
    """

    usual: ClassVar[str] = "failed"

    def __init__(self, message: str, *, cause: str = "", words: str = "") -> None:
        super().__init__(message)
        self.cause = cause or self.usual
        self.words = words if cause else message


def cause_of(error: SourceError, cause: str = "") -> str:
    """What is kept of it: "code", or "code: what is quoted". Another `cause` may stand in place of its own."""
    return f"{cause or error.cause}: {error.words}" if error.words else cause or error.cause


class TemporaryError(SourceError):
    """Try again later, `retry_after` seconds from now at the earliest where the source said so."""

    usual = "passing"

    def __init__(self, message: str, *, retry_after: float | None = None, cause: str = "", words: str = "") -> None:
        super().__init__(message, cause=cause, words=words)
        self.retry_after = retry_after


def nonsense(who: str, what: str) -> TemporaryError:
    """Of an answer that is not what it should be: "list of posts"."""
    return TemporaryError(f"{who} answers with something that is no {what}", cause="nonsense", words=who)


class BudgetSpent(TemporaryError):
    """Nothing was asked: the quota or the money of this account is used up until `until`. The source itself is well."""

    def __init__(self, message: str, *, until: datetime, now: datetime) -> None:
        super().__init__(message, retry_after=max(0.0, (until - now).total_seconds()), cause="quota")
        self.until = until


class AuthError(SourceError):
    """Stop this source and tell a person, once: its credentials are refused."""

    usual = "refused"


class PermanentError(SourceError):
    """Trying again will not help: drop the reply; of a poll, a person has to look."""

    usual = "lasting"


class NotFound(PermanentError):
    """What was asked for is surely not there (404, 410)."""

    usual = "not_there"


class OutcomeUnknown(SourceError):
    """A reply may be out. Look for it, never repeat it blindly."""

    usual = "not_known"


class DecisionRefused(OhlasError):
    """A decision was not taken; nothing changed. Only the subclasses are raised."""


class StaleDecision(DecisionRefused):
    """Somebody was faster, or the text has changed since: show who, when and the present state."""

    def __init__(self, message: str, *, state: str, rev: int, by: str = "", at: datetime | None = None) -> None:
        super().__init__(message)
        self.state = state
        self.rev = rev
        self.by = by
        self.at = at


class GuardRefused(DecisionRefused):
    """The text breaks a rule; `rules` are the ones to mend, or to override by name."""

    def __init__(self, message: str, *, rules: tuple[str, ...]) -> None:
        super().__init__(message)
        self.rules = rules


class ReasonNeeded(DecisionRefused):
    """Ask for the reason and send the decision again."""


class TextNeeded(DecisionRefused):
    """An edit came without a text; ask for it and send the decision again."""


class NotAllowed(DecisionRefused):
    """This person may not decide this; somebody else has to."""


class NoSuchDraft(DecisionRefused):
    """There is no draft of that number."""


class NoSuchCase(DecisionRefused):
    """There is no case, or no mention, of that number."""


class CannotJoin(DecisionRefused):
    """Two cases cannot be put together, or one taken apart, as they are: show what stands in the way.

    `code` is "both_on_their_way", "itself", "alone", "no_account" or "not_linked".
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class StoreError(OhlasError):
    """The database cannot be used as it is: too new, damaged, or not ours. A person has to look."""


class StoreBusy(StoreError):
    """The database is locked, or the disk is full: pause writing and try again later."""


class ModelUnusable(OhlasError):
    """A model file is missing or damaged: reinstall, train again, or go on with the embedded one."""
