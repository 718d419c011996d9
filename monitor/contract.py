"""What a source promises, and what it may be able to do beside being read: the contract of connectors/.

Being able is having the method. Everything here is made of the standard library only, so that any floor may import it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, runtime_checkable

from monitor.model import Mention


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one poll brought. It is saved together with its cursor, or not at all."""

    mentions: tuple[Mention, ...] = ()
    cursor: str = ""  # opaque to everyone but the connector; "" at first
    more: bool = False  # another page is waiting
    wait: float = 0.0  # seconds the source asked us to stay away
    skipped: tuple[str, ...] = ()  # why single entries were unusable
    gone: tuple[str, ...] = ()  # ids that the source says were deleted
    told: tuple[str, ...] = ()  # what a delivery names and does not hold; see `CanReadTold`
    read: tuple[str, ...] = ()  # of what was told: is read, or is gone for good
    put_off: tuple[str, ...] = ()  # of what was told: cannot be read now, and is told again later
    once: bool = False  # the source does not hand this over a second time
    looked: tuple[str, ...] = ()  # ids of what is kept that were looked at again; see `CanLookAgain`


class Connector(Protocol):
    """Reads one source. Keeps no state between polls, never sleeps, never retries."""

    async def poll(self, cursor: str) -> Page:
        """Raise a `SourceError`, and nothing else, where the source could not be read."""
        ...

    async def close(self) -> None: ...


ReplyKind = Literal["overwrite", "key", "create", "manual"]
LengthUnit = Literal["characters", "graphemes", "bytes", "utf16", "weighted"]  # weighted: as X counts
Channel = Literal["post", "review", "mail"]  # mail: only the customer reads it


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRules:
    """How a source takes answers.

    `kind`: "overwrite" replaces an earlier answer, "key" is safe to repeat with the same idempotency key,
    "create" makes a second answer when repeated, "manual" means that a person posts it (copy and deep link).
    """

    kind: ReplyKind = "manual"
    max_length: int = 5000
    unit: LengthUnit = "characters"
    max_bytes: int = 0  # beside max_length, in UTF-8; 0: no such limit
    max_cashtags: int | None = None  # marks like $EUR, of stocks and currencies; None: as many as one likes
    moderated: bool = False  # the platform may still refuse the answer later
    channel: Channel = "review"
    note: str = ""  # what a person should know before he answers, e.g. why he has to post it himself
    link_cost: str = ""  # what an answer with a link costs, where that is much: "$0.20"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a platform says of an answer that it accepted."""

    id: str = ""
    url: str = ""


@runtime_checkable
class CanReply(Protocol):
    """Having the method is the ability."""

    reply_rules: ReplyRules

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        """Post `text` under `mention`, with at most one request. `key` is the same for every try of one approval.

        Raises TemporaryError (surely not posted, may be tried later), AuthError, PermanentError, OutcomeUnknown.
        """
        ...


@runtime_checkable
class CanReplyTo(Protocol):
    """A source that does not take answers to all of its mentions in the same way."""

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        """Where its kind is "manual", `reply` posts nothing."""
        ...


@runtime_checkable
class CanLookUp(Protocol):
    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """The answer as the platform shows it; None means that it is surely not there. Raises a SourceError."""
        ...


@runtime_checkable
class CanFetch(Protocol):
    """A source that can be asked for one mention: looked at again right before an answer goes out."""

    async def fetch(self, mention: Mention) -> Mention | None:
        """The original as it stands now, with the company's `reply` where there is one; None: surely deleted.

        Raises a SourceError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderated:
    """What the platform's own people or programs make of an answer that it accepted."""

    state: Literal["pending", "visible", "refused"]
    reason: str = ""


@runtime_checkable
class CanModerate(Protocol):
    """A source whose answers are looked at before they are shown, and that says what became of them."""

    async def moderation(self, mention: Mention, receipt: Receipt) -> Moderated:
        """Raises a SourceError."""
        ...


@runtime_checkable
class CanReceive(Protocol):
    """A source that sends to us, through POST /in/<source>."""

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Page:
        """Check the signature and read the body. `headers` keys are lower-case; where the address ends in ?secret=…,
        that is "x-ohlas-secret". Where the body only tells that there is something new, a page with `more` has the
        source read at once.

        Raises AuthError (signature missing, wrong or too old) and PermanentError (a body nobody can use).
        """
        ...


@runtime_checkable
class CanReadTold(Protocol):
    """A receiver whose deliveries only name what there is to read. The names are kept until a page says `read`."""

    async def poll_told(self, cursor: str, told: Mapping[str, datetime]) -> Page:
        """Like `poll`, which is not called then. `told` are names, oldest first, and when each was told."""
        ...


@runtime_checkable
class CanHandshake(Protocol):
    """A receiver whose sender asks first, through GET /in/<source>, whether it is awaited."""

    def handshake(self, query: Mapping[str, str]) -> str:
        """What to answer, letters and digits alone. Raises AuthError where somebody else asks."""
        ...


@runtime_checkable
class CanConfirm(Protocol):
    """A source whose polls show the company's answers, so that what a person posted by hand confirms itself."""

    def reply_link(self, mention: Mention) -> str:
        """Where a person posts the answer: a deep link into the platform's administration."""
        ...


@dataclass(frozen=True, slots=True)
class Ability:
    """`why` says on what it rests: whose account it is, or with "no", what to do. "manual": a person does it."""

    state: Literal["yes", "no", "manual", "unknown"]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What can be done with the credentials of a source. `confirms`: whether it can be seen that an answer is out."""

    reads: Ability
    replies: Ability
    confirms: Ability


@runtime_checkable
class CanVouch(Protocol):
    """A source that can be asked what its credentials allow."""

    async def abilities(self) -> Abilities:
        """Asks for nothing that costs money, and changes nothing; where reading costs money, `reads` is "unknown".

        Raises a `SourceError`.
        """
        ...


@runtime_checkable
class MustForget(Protocol):
    """A source whose terms demand that what its author deleted there is deleted here too."""

    forget_within: timedelta  # after it was found deleted; zero: at once


@runtime_checkable
class CanLookAgain(Protocol):
    """A source that is asked about what is kept of it, for as long as it is kept: people delete what they wrote."""

    look_every: timedelta  # at the earliest; what was not looked at for longest comes first
    looks_at_once: int  # ids; 0: not at all

    async def look_again(self, ids: Sequence[str]) -> Page:
        """With at most a few requests. `Page.looked` are those of `ids` that were asked about, `Page.gone` those that
        were deleted, `Page.mentions` those that are there; an empty `url` or `raw` of one leaves what is known.

        Raises a `SourceError`; then nothing counts as looked at.
        """
        ...


@runtime_checkable
class MustLookAgain(Protocol):
    """A source whose terms let nothing be kept for longer without a look at the original; then it is erased."""

    look_within: timedelta
