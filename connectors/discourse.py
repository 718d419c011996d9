"""Posts on a forum that runs Discourse: everything new, some categories of it, or what a search finds; answers to them.

Forums that anybody may read need no key. A search shows only the beginnings of posts, so each is then read by itself.
https://docs.discourse.org
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import urlencode

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.answerable import original
from monitor.budgets import Budget, Rolling, account_of
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.cursors import Cursor
from monitor.errors import AuthError, NotFound, PermanentError, TemporaryError
from monitor.fields import inner, rows, string
from monitor.http import Http, Response
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.quotas import too_many
from monitor.rechecks import Watched
from monitor.text import canonical_url, fold, html_to_text, one_line
from monitor.vouching import expected, mute

QUOTA = "about 60 requests a minute with a key"
COST = "free"
LOOKED_AT = 10  # posts that one poll looks at again
LOOKED_THROUGH = 5  # pages of answers in which ours is looked for
_ASIDE = re.compile(r"<(/?)aside\b[^>]{0,1000}>")
_COOKED = 200_000  # characters of HTML that are looked at


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "discourse"`."""

    url: str = Field(pattern=r"^https?://[^\s?#]+[^\s?#/]$", description="address of the forum")
    api_key: SecretStr | None = Field(default=None, description="for answering, and for closed forums: '$NAME'")
    username: str = Field(
        default="", pattern=r"^[\w.-]{0,60}$", description="the account that the key is of; its own posts are left out"
    )
    query: str = Field(
        default="", max_length=200, description="what is searched for, in the words of Discourse: '\"Your Shop\" #help'"
    )
    categories: tuple[int, ...] = Field(
        default=(), max_length=50, description="numbers of categories, where not everything new is wanted"
    )
    replies: Literal["all", "manual"] = Field(
        default="all", description="what Ohlas itself answers, where there is a key"
    )
    recheck_days: int = Field(default=30, ge=0, le=365, description="days for which it is checked what was deleted")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.api_key is not None and not self.username:
            raise ValueError("api_key needs a username, the account that answers")
        if self.query and self.categories:
            raise ValueError("categories are for reading without a query; in a query, write #category")
        return self


def connect(settings: Settings, http: Http) -> Discourse:
    answers = settings.api_key is not None and settings.replies != "manual"
    return AnsweringDiscourse(settings, http) if answers else Discourse(settings, http)


class _State(Cursor):
    """The cursor. Numbers of posts; the larger is the newer."""

    job: str = ""  # the one to go on with
    page: int = Field(default=0, ge=0)  # of the search, or the post where the next page begins; 0: the first
    newest: int = Field(default=0, ge=0)  # on the first page
    until: int = Field(default=-1, ge=-1)  # up to which everything is read; -1: nothing yet
    found: dict[str, str] = Field(default_factory=dict)  # what a search found -> title, where it opens a topic
    watched: Watched = Field(default_factory=Watched)

    def go_on(self, numbers: list[int], following: int) -> None:
        """Note where to read on, at `following` if there is more. The very first time, the newest page is enough."""
        self.newest = max(self.newest, max(numbers, default=0))
        if following and self.until >= 0 and numbers and min(numbers) > self.until + 1:
            self.page = following
        else:
            self.until, self.page, self.newest = max(self.newest, self.until, 0), 0, 0


class Discourse:
    """Reads. Every poll is one request for a page, for one post that was found, or a look at some known ones."""

    reply_rules = ReplyRules(kind="manual", max_length=32_000, channel="post")

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._own = {fold(name) for name in (settings.username, *settings.own_names) if name}
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        quota = Budget(
            account=account_of("discourse", settings.url, key),
            name="requests",
            limit=60,
            window=Rolling(60),
            reserve=10,
        )
        self._requests = http.ledger.meter(quota)
        self.budgets = {quota: 1.0}

    async def poll(self, cursor: str) -> Page:
        now = datetime.now(UTC)
        state = _State.parse(cursor)
        job = state.job or "list"
        if job == "found" and state.found:
            page = await self._read_found(state, now)
        elif job == "again":
            page = await self._look_again(state, now)
        else:
            page = await (self._search(state, now) if self._settings.query else self._latest(state, now))
        state.watched.add(page.mentions, now.timestamp())
        state.job = self._following(job, state, now)
        return replace(page, cursor=state.model_dump_json(), more=bool(state.job))

    async def close(self) -> None:
        pass

    def _following(self, job: str, state: _State, now: datetime) -> str:
        if state.found:
            return "found"
        if state.page:
            return "list"
        due = job != "again" and state.watched.due(now.timestamp(), self._settings.recheck_days)
        return "again" if due else ""

    async def _latest(self, state: _State, now: datetime) -> Page:
        found = (await self._get("posts.json", {"before": str(state.page)} if state.page else {})).json()
        posts = found.get("latest_posts") if isinstance(found, dict) else None
        if not isinstance(posts, list):
            raise TemporaryError("the forum answers with something that is no list of posts", cause="nonsense")
        numbers = [_number(post, "id") for post in posts if _number(post, "id")]
        state.go_on(numbers, min(numbers, default=1) - 1)
        wanted = set(self._settings.categories)
        return self._page([one for one in posts if not wanted or _number(one, "category_id") in wanted], now)

    async def _search(self, state: _State, now: datetime) -> Page:
        """Notes what there is to read."""
        since = now - timedelta(days=max(2.0, 2 * self._settings.interval / 86_400))
        after = f" after:{since:%Y-%m-%d}" if state.until >= 0 else ""
        asked = {"q": f"{self._settings.query}{after} order:latest", "page": str(state.page or 1)}
        found = (await self._get("search.json", asked)).json()
        if not isinstance(found, dict) or not isinstance(found.get("grouped_search_result"), dict | None):
            raise TemporaryError("the forum answers with something that is no search", cause="nonsense")
        posts = rows(found, "posts")
        if "posts" not in found and "grouped_search_result" not in found:
            raise TemporaryError("the forum answers with something that is no search", cause="nonsense")
        titles = {_number(topic, "id"): one_line(string(topic, "title")) for topic in rows(found, "topics")}
        fresh = [post for post in posts if _number(post, "id") > state.until]
        for post in fresh:
            opens = _number(post, "post_number") == 1
            state.found[str(_number(post, "id"))] = titles.get(_number(post, "topic_id"), "") if opens else ""
        more = inner(found, "grouped_search_result").get("more_full_page_results") is True
        state.go_on([_number(post, "id") for post in fresh], (state.page or 1) + 1 if more else 0)
        return Page()

    async def _read_found(self, state: _State, now: datetime) -> Page:
        number = next(iter(state.found))
        title = state.found[number]
        post = await self._visible(number)
        del state.found[number]
        return self._page([_titled(post, title)] if post else [], now)

    async def _look_again(self, state: _State, now: datetime) -> Page:
        due = state.watched.due(now.timestamp(), self._settings.recheck_days)[:LOOKED_AT]
        gone = [number for number in due if (post := await self._visible(number)) is None or _is_deleted(post)]
        state.watched.looked_at(due, gone, now.timestamp())
        return Page(gone=tuple(gone))

    async def _visible(self, number: str) -> dict[str, Any] | None:
        """A post, {} where we may not read it; None: deleted."""
        try:
            return await self._post(number)
        except NotFound:
            return None
        except AuthError:
            return {}

    async def _post(self, number: str, *, for_answer: bool = False) -> dict[str, Any]:
        found = (await self._get(f"posts/{number}.json", {}, for_answer=for_answer)).json()
        if not isinstance(found, dict) or str(_number(found, "id")) != number:
            raise TemporaryError("the forum answers with something that is no post", cause="nonsense")
        return found

    async def _get(self, path: str, query: Mapping[str, str], *, for_answer: bool = False) -> Response:
        address = f"{self._settings.url}/{path}" + (f"?{urlencode(query)}" if query else "")
        self._requests.take(writing=for_answer)
        response = await self._http.get(address, headers=self._headers(), also=(429,))
        if response.status == 429:
            raise too_many("the forum", response.headers, datetime.now(UTC), self._requests)
        return response

    def _headers(self) -> dict[str, str]:
        key = self._settings.api_key
        given = {"Api-Key": key.get_secret_value(), "Api-Username": self._settings.username} if key else {}
        return {"Accept": "application/json", **given}

    def _page(self, posts: list[Any], now: datetime) -> Page:
        mentions: dict[str, Mention] = {}
        gone: list[str] = []
        skipped: list[str] = []
        for post in posts:
            mention = self._mention(post, now) if isinstance(post, dict) else None
            if mention is None:
                skipped.append("a post without an id or a text")
            elif _is_deleted(post):
                gone.append(mention.id)
            elif not self._is_left_out(post):
                mentions.setdefault(mention.id, mention)
        return Page(mentions=tuple(mentions.values()), gone=tuple(gone), skipped=tuple(skipped))

    def _is_left_out(self, post: Mapping[str, Any]) -> bool:
        """What the company or the forum itself wrote, and notes like "closed this topic"."""
        names = {fold(string(post, "username")), fold(string(post, "name"))} - {""}
        by_itself = isinstance(post.get("user_id"), int) and post["user_id"] < 0
        return bool(names & self._own) or by_itself or post.get("post_type", 1) != 1

    def _mention(self, post: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        number, topic, place = (_number(post, name) for name in ("id", "topic_id", "post_number"))
        text = html_to_text(_own_words(string(post, "cooked")[:_COOKED]))
        if not (number and topic and place and text):
            return None
        slug = string(post, "topic_slug")
        slug = slug if re.fullmatch(r"[\w%-]{1,300}", slug) else "-"
        return Mention(
            source=self._settings.name,
            id=str(number),
            text=text,
            title=one_line(string(post, "topic_title")) if place == 1 else "",
            created_at=cells.past(string(post, "created_at")) or otherwise,
            url=canonical_url(f"{self._settings.url}/t/{slug}/{topic}/{place}"),
            author=one_line(string(post, "name", "username"), 100),
            language=self._settings.language,
            thread=f"topic {topic}" if place > 1 else "",
            raw={"topic": topic, "place": place, "username": one_line(string(post, "username"), 60)},
        )


class AnsweringDiscourse(Discourse):
    """Answers as well."""

    reply_rules = replace(Discourse.reply_rules, kind="create")

    async def abilities(self) -> Abilities:
        try:
            found = (await self._get("session/current.json", {})).json()
        except (AuthError, NotFound):
            return expected(self)  # a key for some actions only may not ask who it is of
        account = inner(found if isinstance(found, dict) else {}, "current_user")
        name = one_line(string(account, "username"), 60)
        if name.casefold() != self._settings.username.casefold():
            return mute(self, f"the key writes as @{name}; set that as username, or take another key")
        return expected(self, f"@{name}")

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        topic, place = _number(mention.raw, "topic"), _number(mention.raw, "place")
        if not topic or not place:
            raise PermanentError(
                "it is not known any more which post to answer; a person has to post this one", cause="whom_unknown"
            )
        body = json.dumps({"raw": text, "topic_id": topic, "reply_to_post_number": place}).encode()
        headers = self._headers() | {"Content-Type": "application/json"}
        address = f"{self._settings.url}/posts.json"
        self._requests.take(writing=True)
        response = await self._http.send("POST", address, headers=headers, body=body, also=(403, 422, 429))
        if response.status == 429:
            raise too_many("the forum", response.headers, datetime.now(UTC), self._requests)
        if response.status == 403:
            raise PermanentError(
                "the forum does not let this account answer there; perhaps the topic is closed", cause="may_not"
            )
        if response.status == 422:
            raise PermanentError(
                "the forum does not take this answer; perhaps it is too short, or was posted before", cause="too_short"
            )
        try:
            posted = response.json()
        except TemporaryError:
            return Receipt()  # accepted, whatever it says
        answer = posted if isinstance(posted, dict) else {}
        return self._receipt(inner(answer, "post") or answer)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        """Among the answers to the post; one that waits for a moderator is not seen."""
        others, after = False, 1
        for _ in range(LOOKED_THROUGH):
            path = f"posts/{mention.id}/replies.json"
            found = (await self._get(path, {"after": str(after)}, for_answer=True)).json()
            if not isinstance(found, list):
                raise TemporaryError("the forum answers with something that is no list of answers", cause="nonsense")
            answers = rows({"answers": found}, "answers")
            for answer in answers:
                if string(answer, "username").casefold() != self._settings.username.casefold():
                    continue
                # as it was written: cooked, it looks different
                post = await self._post(str(_number(answer, "id")), for_answer=True)
                if fold(string(post, "raw")) == fold(text):
                    return self._receipt(post)
                others = True
            reached = max((_number(answer, "post_number") for answer in answers), default=0)
            if reached <= after:
                break
            after = reached
        else:
            raise PermanentError("The post has so many answers that a person has to look.", cause="many_answers")
        if others:
            raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
        return None

    async def fetch(self, mention: Mention) -> Mention | None:
        try:
            post = await self._post(mention.id, for_answer=True)
        except NotFound:
            return None
        if _is_deleted(post):
            return None
        current = self._mention(_titled(post, mention.title), mention.created_at)
        return original(mention.id, [current], "the forum")

    def _receipt(self, post: Mapping[str, Any]) -> Receipt:
        number, topic, place = (_number(post, name) for name in ("id", "topic_id", "post_number"))
        if not number:
            return Receipt()
        url = canonical_url(f"{self._settings.url}/t/-/{topic}/{place}") if topic and place else ""
        return Receipt(id=str(number), url=url)


def _number(thing: object, name: str = "id") -> int:
    """0 where there is none."""
    value = thing.get(name) if isinstance(thing, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15 else 0


def _titled(post: Mapping[str, Any], title: str) -> dict[str, Any]:
    """A single post comes without the title of its topic."""
    return {**post, "topic_title": string(post, "topic_title") or title}


def _own_words(cooked: str) -> str:
    """The HTML without what is quoted from others, which stands in asides, perhaps one in another."""
    kept, depth, last = [], 0, 0
    for tag in _ASIDE.finditer(cooked):
        if depth == 0:
            kept.append(cooked[last : tag.start()])
        depth = max(depth - 1, 0) if tag[1] else depth + 1
        last = tag.end()
    return "".join(kept) + (cooked[last:] if depth == 0 else "")


def _is_deleted(post: Mapping[str, Any]) -> bool:
    return bool(post.get("deleted_at") or post.get("user_deleted") is True or post.get("hidden") is True)
