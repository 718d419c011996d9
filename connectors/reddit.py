"""Posts and comments on Reddit: what arrives for the account, what some subreddits say, and what a search finds.

Reddit gives keys only after an approval (https://support.reddithelp.com, Responsible Builder Policy), and most
subreddits want no answers that nobody asked for: Ohlas answers those who wrote to the account, a person the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from monitor.answerable import only_addressed, original, refuse_manual
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.errors import PermanentError
from monitor.fields import inner, rows, string
from monitor.http import Http
from monitor.model import Mention
from monitor.rechecks import believe
from monitor.reddit_api import MOST, RedditApi, RedditOptions
from monitor.rounds import Feeds
from monitor.text import canonical_url, clean, fold, one_line
from monitor.vouching import expected, mute

QUOTA = "100 requests a minute"
COST = "free, after Reddit has approved your app"
LOOKED_THROUGH = 5  # pages of own comments in which an answer is looked for
_DELETED = frozenset({"[deleted]", "[removed]", "[ Removed by Reddit ]"})
_FULL_NAME = re.compile(r"t[13]_[a-z0-9]{1,13}")
_UNASKED = (
    "this was not written to the account, and most subreddits want no answers then; a person has to post this one"
)


class Settings(RedditOptions):
    """`[sources.NAME]` with `kind = "reddit"`."""

    inbox: bool = Field(default=True, description="whether answers to the account and mentions of it are read")
    subreddits: tuple[str, ...] = Field(
        default=(), max_length=50, description="names of subreddits, without r/, of which everything new is read"
    )
    query: str = Field(
        default="", max_length=500, description="what is searched for, in those subreddits only where there are any"
    )
    replies: Literal["addressed", "all", "manual"] = Field(
        default="addressed", description="what Ohlas itself answers: those who wrote to the account, all, or nothing"
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.inbox and self.password is None:
            raise ValueError("the inbox needs the account's password; without it, set inbox = false")
        if not (self.inbox or self.subreddits or self.query):
            raise ValueError("set inbox = true, subreddits or a query")
        if bad := [name for name in self.subreddits if not re.fullmatch(r"\w{2,21}", name)]:
            raise ValueError(f"{bad[0]!r} is no name of a subreddit; write it without r/")
        return self

    @property
    def listings(self) -> dict[str, tuple[str, dict[str, str]]]:
        """What is read in turn: path and parameters of each."""
        found: dict[str, tuple[str, dict[str, str]]] = {}
        where = f"r/{'+'.join(self.subreddits)}/" if self.subreddits else ""
        if self.inbox:
            found["inbox"] = "message/inbox", {}
        if self.query:
            within = {"restrict_sr": "1"} if where else {}
            found["search"] = f"{where}search", {"q": self.query, "sort": "new", "t": "week", **within}
        elif where:
            found["new"], found["comments"] = (f"{where}new", {}), (f"{where}comments", {})
        return found


def connect(settings: Settings, http: Http) -> Reddit:
    answers = settings.password is not None and settings.replies != "manual"
    return AnsweringReddit(settings, http) if answers else Reddit(settings, http)


class Reddit:
    """Reads. Every poll is one request for a page of a listing."""

    reply_rules = ReplyRules(kind="manual", max_length=10_000, channel="post")
    forget_within = timedelta(0)  # its terms: within 48 hours
    look_every = timedelta(days=1)
    looks_at_once = MOST

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._api = RedditApi(http, settings)
        self.budgets = {self._api.budget: float(len(settings.listings))}

    async def poll(self, cursor: str) -> Page:
        now, state = datetime.now(UTC), Feeds.parse(cursor)
        page = await state.poll([*self._settings.listings], lambda _: self._read(state, now))
        return replace(page, wait=self._api.pause)

    async def look_again(self, ids: Sequence[str]) -> Page:
        names = [one for one in ids if _FULL_NAME.fullmatch(one)]
        children = await self._known(names) if names else []
        page, there = self._page(children, datetime.now(UTC)), {_name(child) for child in children}
        if names:
            await believe(there, self._shows_others, "Reddit")  # what is deleted usually says so
        gone = tuple(name for name in names if name in page.gone or name not in there)
        seen = [replace(one, raw={}) for one in page.mentions if one.id in names]  # who was addressed, listings say
        return Page(mentions=tuple(seen), gone=gone, looked=tuple(ids))

    async def _known(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return rows(await self._api.listing("api/info", {"id": ",".join(names)}), "children")

    async def _shows_others(self) -> bool:
        path, query = next(iter(self._settings.listings.values()))
        children = rows(await self._api.listing(path, query | {"limit": "5"}), "children")
        names = [name for child in children if (name := _name(child)) and string(child, "kind") != "t4"]
        return bool(names) and bool(await self._known(names))

    async def close(self) -> None:
        pass

    async def _read(self, state: Feeds, now: datetime) -> Page:
        path, query = self._settings.listings[state.job]
        listing = await self._api.listing(path, query | ({"after": state.after} if state.after else {}))
        page = self._page(rows(listing, "children"), now, addressed=state.job == "inbox")
        # What was read before shows where to stop. An anchor (`before`) would bring nothing once it is deleted.
        state.go_on([mention.created_at.timestamp() for mention in page.mentions], string(listing, "after"))
        return page

    def _page(self, children: list[dict[str, Any]], now: datetime, *, addressed: bool = False) -> Page:
        mentions: dict[str, Mention] = {}
        gone: list[str] = []
        skipped: list[str] = []
        for child in children:
            thing, kind = inner(child, "data"), string(child, "kind")
            name, author = string(thing, "name"), string(thing, "author")
            if kind == "t4" or author.casefold() == self._settings.username.casefold():
                continue  # private letters, and what the account itself wrote
            mention = _mention(thing, self._settings, now, addressed) if _FULL_NAME.fullmatch(name) else None
            if mention is None:
                skipped.append(f"{one_line(name, 30) or 'something'} without an id or a text")
            elif _is_deleted(thing):
                gone.append(name)
            else:
                mentions.setdefault(name, mention)
        return Page(mentions=tuple(mentions.values()), gone=tuple(gone), skipped=tuple(skipped))


class AnsweringReddit(Reddit):
    """Answers as well, those who wrote to the account."""

    reply_rules = ReplyRules(kind="create", max_length=10_000, channel="post")

    async def abilities(self) -> Abilities:
        account = await self._api.get("api/v1/me", {})
        name = one_line(string(account, "name"), 30)
        if account.get("is_suspended") is True:
            return mute(self, f"Reddit has suspended u/{name}; ask there why")
        return expected(self, f"u/{name}")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        return only_addressed(self.reply_rules, self._settings.replies, mention, _UNASKED)

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        refuse_manual(self.reply_rules_for(mention))
        return _receipt(await self._api.comment(mention.id, text))

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Among the account's newest comments."""
        other, query = False, {"sort": "new"}
        for _ in range(LOOKED_THROUGH):
            listing = await self._api.listing(f"user/{self._settings.username}/comments", query, for_answer=True)
            comments = [inner(child, "data") for child in rows(listing, "children")]
            answers = [one for one in comments if string(one, "parent_id") == mention.id]
            if found := next((one for one in answers if fold(string(one, "body")) == fold(text)), None):
                return _receipt(found)
            other = other or bool(answers)
            older = any(_written(one) < mention.created_at.timestamp() for one in comments)
            following = string(listing, "after")
            if other and (older or not following):
                raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
            if older or not following:
                return None
            query["after"] = following
        raise PermanentError(
            "The account has written so much since then that a person has to look.", cause="many_answers"
        )

    async def fetch(self, mention: Mention) -> Mention | None:
        addressed = mention.raw.get("addressed") is True
        listing = await self._api.listing("api/info", {"id": mention.id}, for_answer=True)
        page = self._page(rows(listing, "children"), mention.created_at, addressed=addressed)
        if mention.id in page.gone:
            return None
        return original(mention.id, page.mentions, "Reddit")


def _name(child: Mapping[str, Any]) -> str:
    """ "" where it has none."""
    name = string(inner(child, "data"), "name")
    return name if _FULL_NAME.fullmatch(name) else ""


def _mention(thing: Mapping[str, Any], settings: Settings, now: datetime, addressed: bool) -> Mention | None:
    """None where there are no words."""
    body, title = clean(string(thing, "body", "selftext")), one_line(string(thing, "title"))
    if not body and not title:
        return None
    named = re.search(rf"\bu/{settings.username}\b", f"{title} {body}", re.IGNORECASE) is not None
    subreddit = one_line(string(thing, "subreddit"), 50)
    return Mention(
        source=settings.name,
        id=string(thing, "name"),
        text=body,
        title=title,
        created_at=datetime.fromtimestamp(min(_written(thing) or now.timestamp(), now.timestamp()), UTC),
        url=canonical_url(f"https://www.reddit.com{_place(thing)}"),
        author=one_line(string(thing, "author"), 50),
        language=settings.language,
        thread=string(thing, "parent_id"),
        raw={"subreddit": subreddit, "addressed": addressed or named},
    )


def _place(thing: Mapping[str, Any]) -> str:
    link, name = string(thing, "permalink", "context"), string(thing, "name")
    parent = string(thing, "link_id")
    within = f"/comments/{parent[3:]}/_/{name[3:]}" if _FULL_NAME.fullmatch(parent) else "/"
    return link if link.startswith("/") else within


def _is_deleted(thing: Mapping[str, Any]) -> bool:
    """Who deletes the account wants to be forgotten too, though Reddit keeps the words."""
    gone = string(thing, "author") in ("", *_DELETED)
    return gone or string(thing, "body", "selftext").strip() in _DELETED or bool(thing.get("removed_by_category"))


def _written(thing: Mapping[str, Any]) -> float:
    value = thing.get("created_utc")
    return float(value) if isinstance(value, int | float) and 0 < value < 4e9 else 0.0


def _receipt(comment: Mapping[str, Any]) -> Receipt:
    link = string(comment, "permalink")
    return Receipt(
        id=one_line(string(comment, "name", "id"), 50),
        url=canonical_url(f"https://www.reddit.com{link}") if link.startswith("/") else "",
    )
