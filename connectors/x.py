"""Posts on X that mention the account or that a search finds; answers to those that addressed it.

X is paid by use; it stops at `monthly_cap`.
An app may answer only posts that mention or quote its account (https://docs.x.com/changelog, February 2026); a person
posts the other answers. Posts that were deleted must be deleted here too, so all that are kept are looked at again and
again, as often as a share of the money allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from monitor.answerable import only_addressed, refuse_manual
from monitor.contract import Abilities, Ability, Page, Receipt, ReplyRules
from monitor.errors import BudgetSpent, PermanentError, TemporaryError
from monitor.fields import inner, rows, string
from monitor.http import Http
from monitor.model import Mention
from monitor.rounds import Turns
from monitor.vouching import expected
from monitor.x_api import MOST, XApi, XOptions
from monitor.x_posts import (
    Reader,
    first_number,
    gone,
    id_of,
    references,
    same,
    valid_id,
    versions_of,
    words_of,
    written_at,
)

QUOTA = "450 searches and 100 answers in 15 minutes"
COST = "from $0.001 a post read and $0.010 an answer, up to your `monthly_cap`"
REACH = timedelta(days=7) - timedelta(hours=1)  # of the search; an older since_id is refused
LOOKED_THROUGH = 5  # pages of own posts in which an answer is looked for
_NOT_ADDRESSED = "X lets an app answer only posts that mention or quote its account; a person has to post this one"


class Settings(XOptions):
    """`[sources.NAME]` with `kind = "x"`."""

    query: str = Field(
        default="", max_length=480, description="what else is searched for, in the words of X: '\"Púpava\" lang:cs'"
    )
    mentions: bool = Field(default=True, description="whether posts that mention the account are read")
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers; all: for Enterprise, which has no such rule"
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if not self.query and not self.mentions:
            raise ValueError("set a query, or mentions = true")
        if self.mentions and not self.number:
            raise ValueError("mentions need account_id, the number of the account, or its access_token")
        return self


def connect(settings: Settings, http: Http) -> X:
    answers = settings.access_token is not None and settings.number and settings.replies != "manual"
    return AnsweringX(settings, http) if answers else X(settings, http)


_Id = Annotated[str, Field(pattern=r"^[0-9]{0,19}$")]


class _State(Turns):
    """The cursor. `since` holds the newest id of each timeline, up to which everything is read."""

    newest: _Id = ""  # on its first page
    since: dict[str, _Id] = Field(default_factory=dict)

    def go_on(self, document: Mapping[str, Any], now: datetime) -> None:
        """Note where to read on. The very first time, the newest page is enough."""
        meta, job = inner(document, "meta"), self.job
        if not self.after:
            newest = max(map(id_of, rows(document, "data")), default="", key=written_at)
            self.newest = valid_id(meta.get("newest_id")) or newest
        following = string(meta, "next_token")
        if following and job in self.since:
            self.after = following
        else:
            self.since[job] = self.newest or self.since.get(job) or first_number(now - timedelta(hours=1))
            self.after = self.newest = ""


class X:
    """Reads. Every poll is one request: a page of the mentions, or one of the search."""

    reply_rules = ReplyRules(kind="manual", max_length=280, unit="weighted", max_cashtags=1, channel="post")
    forget_within = timedelta(0)  # its terms: within 24 hours
    look_every = timedelta(days=1)

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._api = XApi(http, settings)
        self._reader = Reader(settings.name, settings.language, settings.account, settings.number)
        self.budgets = self._api.budgets(self._jobs())
        self.looks_at_once = MOST if settings.recheck_share else 0

    async def poll(self, cursor: str) -> Page:
        now, state = datetime.now(UTC), _State.parse(cursor)
        return await state.poll(self._jobs(), lambda _: self._read(state, now))

    async def look_again(self, ids: Sequence[str]) -> Page:
        posts = [one for one in ids if valid_id(one)]
        looked, document = await self._api.look_at(posts) if posts else ([], {})
        deleted = gone(document) & set(looked)
        edited = [newest[-1] for post in rows(document, "data") if (newest := versions_of(post)[1:])]
        strange = [one for one in ids if not valid_id(one)]  # of another platform that once had this source's name
        return Page(mentions=await self._edited(edited), gone=tuple(sorted(deleted)), looked=(*looked, *strange))

    async def close(self) -> None:
        pass

    async def abilities(self) -> Abilities:
        """Without a look at X, which would have to be paid for."""
        known = expected(self, f"@{self._settings.account}")
        by_us = replace(known.replies, state="unknown") if known.replies.state == "yes" else known.replies
        return replace(known, reads=Ability("unknown", "a look at X costs money; `ohlas poll` tries it"), replies=by_us)

    async def _edited(self, numbers: list[str]) -> tuple[Mention, ...]:
        """What those posts say now; nothing where there is no money for that."""
        try:
            document = await self._api.posts(numbers) if numbers else {}
        except BudgetSpent:
            return ()
        return self._reader.page(document, datetime.now(UTC), addressed=False).mentions

    def _jobs(self) -> list[str]:
        wanted = {"mentions": self._settings.mentions, "search": bool(self._settings.query)}
        return [job for job, is_wanted in wanted.items() if is_wanted]

    async def _read(self, state: _State, now: datetime) -> Page:
        try:
            document, wait = await self._listed(state, now)
        except PermanentError:
            if not state.after:
                raise
            state.after = ""  # of no use any more; next time it is read from the top, so nothing is lost
            return Page()
        page = self._reader.page(document, now, addressed=state.job == "mentions")
        state.go_on(document, now)
        return replace(page, wait=wait)

    async def _listed(self, state: _State, now: datetime) -> tuple[dict[str, Any], float]:
        since = state.since.get(state.job)
        if state.job == "mentions":
            return await self._api.mentions(since, state.after)
        reach = max(since, first_number(now - REACH), key=int) if since else since
        return await self._api.search(self._settings.query, reach, state.after)


class AnsweringX(X):
    """Answers as well, those posts that addressed the account."""

    reply_rules = replace(X.reply_rules, kind="create", link_cost="$0.20")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        return only_addressed(self.reply_rules, self._settings.replies, mention, _NOT_ADDRESSED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        refuse_manual(self.reply_rules_for(mention))
        asked = mention.raw.get("addressed") is True
        return self._receipt(await self._api.answer(_newest(mention), text, asked=asked))

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Among the account's own posts since then."""
        others, token = False, ""
        for _ in range(LOOKED_THROUGH):
            document = await self._api.own_posts(_newest(mention), token)
            answers = [post for post in rows(document, "data") if ("replied_to", _newest(mention)) in references(post)]
            if found := next((post for post in answers if same(words_of(post), text)), None):
                return self._receipt(found)
            others = others or bool(answers)
            token = string(inner(document, "meta"), "next_token")
            if not token and others:
                raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
            if not token:
                return None
        raise PermanentError(
            "The account has posted so much since then that a person has to look.", cause="many_answers"
        )

    async def fetch(self, mention: Mention) -> Mention | None:
        number, document = _newest(mention), await self._api.posts([_newest(mention)], writing=True)
        versions = [v for post in rows(document, "data") for v in versions_of(post)]
        if versions and versions[-1] != number:
            number, document = versions[-1], await self._api.posts(versions[-1:], writing=True)
        if number in gone(document):
            return None
        found = self._reader.page(document, datetime.now(UTC), addressed=mention.raw.get("addressed") is True).mentions
        if not found:
            raise TemporaryError("X does not say whether the post is still there", cause="passing", words="X")
        return replace(found[0], id=mention.id)

    def _receipt(self, post: Mapping[str, Any]) -> Receipt:
        number = id_of(post)
        return Receipt(
            id=number, url=f"https://x.com/{self._settings.account or 'i'}/status/{number}" if number else ""
        )


def _newest(mention: Mention) -> str:
    return valid_id(mention.raw.get("post")) or mention.id
