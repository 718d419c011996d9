"""Comments below the posts of a Facebook page, what visitors write on it, and posts that name it; answered by the page.

One request brings a number of posts, each with its new comments. Names of people are only there where the app was
granted them. Recommendations (stars) cannot be read with the API since its version 22; webhooks may still tell of them.
https://developers.facebook.com/docs/graph-api/reference/page/feed
https://developers.facebook.com/docs/graph-api/reference/page-post/comments
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from pydantic import Field

from monitor import cells
from monitor.answerable import original, refuse_manual
from monitor.budgets import Budget
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.errors import AuthError, NotFound, PermanentError
from monitor.fields import inner, string, things
from monitor.http import DAY, Http
from monitor.meta import (
    Found,
    GraphApi,
    MetaOptions,
    MetaRound,
    changes,
    following,
    handshake,
    is_young,
    listed,
    moment,
)
from monitor.model import Mention
from monitor.text import canonical_url, clean, fold, one_line
from monitor.vouching import expected, mute

QUOTA = "200 requests an hour, of all sources with the token"
COST = "free"
COMMENTS = 25  # below each of them
MORE = 100  # comments in an answer that holds those of one post alone
LOOKED_AT = 10  # posts and comments that one poll looks at again
LATE = 600.0  # seconds by which an answer of the page may show up late
OVERLAP = DAY  # comments that are read again, as they may be edited
_NO_WORDS = ("like", "reaction")  # they carry the ID of what somebody likes, or likes no more
_ID = re.compile(r"[0-9]{1,25}(_[0-9]{1,25}){0,2}")
_POST = "id,message,created_time,permalink_url,from{id,name},is_hidden"
_COMMENT = "id,message,created_time,permalink_url,from{id,name},parent{id},can_comment,is_hidden"
_LATEST = {"order": "reverse_chronological"}  # a wish: what Facebook ranks stays ranked
_NEWEST = "order(reverse_chronological)"  # the same
_ANSWERS = f"comments.{_NEWEST}.limit({COMMENTS}){{id,message,created_time,from{{id}}}}"
_READING = ("pages_read_engagement", "pages_read_user_content")
_ANSWERING = ("pages_manage_engagement",)
_POSTED = "id,permalink_url"
_ELSEWHERE = "this is not on your page, and Facebook lets a page answer by itself only there; a person has to post it"
_RECOMMENDED = "Facebook lets no program answer recommendations; a person has to"
_CLOSED = "Facebook does not let the page answer this comment; a person has to look"
_HIDDEN = "the comment is hidden: only its author and his friends see it, and an answer to it"


class Settings(MetaOptions):
    """`[sources.NAME]` with `kind = "facebook"`."""

    page: str = Field(pattern=r"^[0-9]{1,25}$", description="ID of your page, a number")
    tagged: bool = Field(default=True, description="whether public posts of others that name the page are read")
    replies: Literal["all", "manual"] = Field(default="all", description="what Ohlas itself answers, or nothing")


def connect(settings: Settings, http: Http) -> Facebook:
    return ListeningFacebook(settings, http) if settings.verify_token else Facebook(settings, http)


class _State(MetaRound):
    """The cursor: a round reads posts up to an age, then what more stands below some of them."""

    posts: dict[str, dict[str, str]] = Field(default_factory=dict)  # with more comments -> what asks for them
    answered: list[str] = Field(default_factory=list)  # what the page seems to have answered meanwhile

    def is_due(self, job: str, options: MetaOptions, now: float) -> bool:
        return (job == "again" and bool(self.answered)) or super().is_due(job, options, now)


@dataclass(slots=True)
class _Found(Found):
    own: dict[str, tuple[datetime, str]] = field(default_factory=dict)  # what the page answered -> when, and how

    def answer(self, to: str, at: datetime, text: str) -> None:
        self.own[to] = max(self.own.get(to, (at, text)), (at, text))

    def page(self) -> Page:
        mentions = [replace(one, reply=self.own.get(one.id, (None, ""))[1]) for one in self.mentions.values()]
        return Page(mentions=tuple(mentions), skipped=tuple(self.skipped))


class Facebook:
    """Every poll is one request, but for what is looked at again, one by one."""

    reply_rules = ReplyRules(kind="create", max_length=8_000, channel="post")  # the length is not documented

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._graph = GraphApi(http, settings, "Facebook")
        self._own = {fold(name) for name in settings.own_names}
        if settings.replies == "manual":
            self.reply_rules = replace(self.reply_rules, kind="manual")

    @property
    def budgets(self) -> Mapping[Budget, float]:
        return {self._graph.budget: 3.0 if self._settings.tagged else 2.0}

    async def poll(self, cursor: str) -> Page:
        return await self._poll(_State.parse(cursor))

    async def _poll(self, state: _State) -> Page:
        now = datetime.now(UTC)
        order = ("feed", *(["tagged"] if self._settings.tagged else []), "posts", "again", "token")
        is_due = partial(state.is_due, options=self._settings, now=now.timestamp())
        page = await state.poll(order, is_due, lambda job: self._do(job, state, now), now.timestamp())
        return replace(page, wait=self._graph.wait)

    async def close(self) -> None:
        pass

    async def abilities(self) -> Abilities:
        of = await self._graph.get("me", "id,name")
        name = one_line(string(of, "name"), 60)
        if string(of, "id") != self._settings.page:
            return mute(self, f"the token is of {name or 'somebody else'}, not of the page; take the page's own")
        granted, usual = await self._graph.granted(), expected(self, name)
        return granted.abilities(usual, _READING, _ANSWERING) if granted else usual

    async def fetch(self, mention: Mention) -> Mention | None:
        if mention.raw.get("elsewhere") is True:
            return mention  # nothing is posted there, and its ID shows nothing
        try:
            current = await self._look_at(mention.id, mention.created_at, for_answer=True)
        except NotFound:
            return None
        return original(mention.id, [current], "Facebook")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        if mention.raw.get("elsewhere") is True:
            note = _RECOMMENDED if mention.rating else _ELSEWHERE
            return replace(self.reply_rules, kind="manual", note=note)
        if mention.raw.get("closed") is True and not mention.raw.get("parent"):
            return replace(self.reply_rules, kind="manual", note=_CLOSED)
        return replace(self.reply_rules, note=_HIDDEN) if mention.raw.get("hidden") is True else self.reply_rules

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        refuse_manual(self.reply_rules_for(mention))
        return self._receipt(await self._graph.post(f"{_target(mention)}/comments", message=text, fields=_POSTED))

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        target = _target(mention)
        found = await self._graph.own_answer(
            f"{target}/comments",
            f"{_POSTED},message,created_time,from{{id}}",
            MORE,
            mention,
            [text],
            self._is_ours,
            order=_LATEST,
            shared=target != mention.id,
        )
        return self._receipt(found) if found else None

    async def _do(self, job: str, state: _State, now: datetime) -> Page:
        match job:
            case "posts":
                page = await self._read_comments(state, now)
            case "again":
                page = await self._look_again(state, now)
            case "token":
                page = await state.look_at_token(self._graph, now)
            case _:
                page = await self._read_posts(job, state, now)
        # a page cannot see by their IDs whether posts of others are still there
        state.watched.add((one for one in page.mentions if not one.raw["elsewhere"]), now.timestamp())
        return page

    async def _read_posts(self, job: str, state: _State, now: datetime) -> Page:
        """Posts of the page and on it, with their comments; or posts of others that name it."""
        since = state.reach(OVERLAP, self._settings.days)
        comments = f"comments.filter(stream).{_NEWEST}.since({since}).limit({COMMENTS}){{{_COMMENT}}}"
        fields = _POST if job == "tagged" else f"{_POST},{comments}"
        answer = await state.posts_of(self._graph, f"{self._settings.page}/{job}", fields)
        if answer is None:
            return Page()
        posts = things(listed(answer, "Facebook"))
        state.after = following(answer) if is_young(answer, self._settings.days, now) else {}
        found = _Found()
        for post in posts:
            self._take_post(post, job, found, state, now)
        return self._page(found, state)

    def _take_post(self, post: Mapping[str, Any], job: str, found: _Found, state: _State, now: datetime) -> None:
        number, ours = string(post, "id"), self._is_ours(post)
        elsewhere = not number.startswith(f"{self._settings.page}_")
        if not _ID.fullmatch(number):
            found.skipped.append("a post without an ID")
        elif job == "feed" or elsewhere:  # what stands on the page is in its feed
            if not ours:
                self._take(post, "", found, now)
            self._take_comments(
                inner(post, "comments").get("data"), number, found, now, answered="" if ours else number
            )
            if more := following(inner(post, "comments")):
                state.posts[number] = more

    async def _read_comments(self, state: _State, now: datetime) -> Page:
        """More of those below one post."""
        (number, after), since = next(iter(state.posts.items())), state.reach(OVERLAP, self._settings.days)
        asked = {"filter": "stream", **_LATEST, "since": str(since), **after}
        found, more = _Found(), dict[str, str]()
        try:
            answer = await self._graph.get(f"{number}/comments", _COMMENT, asked, limit=MORE)
        except NotFound:  # deleted meanwhile
            answer = {"data": []}
        self._take_comments(listed(answer, "Facebook"), number, found, now)
        if any(one.created_at.timestamp() > since for one in found.mentions.values()):
            more = following(answer)
        del state.posts[number]
        if more and more != after:
            state.posts = {number: more, **state.posts}
        return self._page(found, state)

    async def _look_again(self, state: _State, now: datetime) -> Page:
        due = state.watched.due(now.timestamp(), self._settings.recheck_days)
        due = list(dict.fromkeys([*state.answered, *due]))[:LOOKED_AT]

        async def look(number: str) -> Mention | None:
            try:
                return await self._look_at(number, now)
            except NotFound:
                raise
            except (AuthError, PermanentError):
                if number in state.answered:
                    return None  # of what others posted, a token may not see everything
                raise

        page = await state.look_again(due, look, now.timestamp())
        state.answered = [number for number in state.answered if number not in due]
        return page

    async def _look_at(self, number: str, otherwise: datetime, *, for_answer: bool = False) -> Mention | None:
        """What stands there now, and the page's answer below it; None: no words any more. Raises a `SourceError`,
        NotFound where it is gone."""
        is_post = number.startswith(f"{self._settings.page}_")
        fields = f"{_POST if is_post else _COMMENT},{_ANSWERS}"
        thing = await self._graph.get(number, fields, for_answer=for_answer)
        found, post = _Found(), "" if is_post else f"{self._settings.page}_{number.partition('_')[0]}"
        self._take(thing, post, found, otherwise)
        self._take_comments(inner(thing, "comments").get("data"), post or number, found, otherwise, answered=number)
        return next((one for one in found.page().mentions if one.id == number), None)

    def _take_comments(
        self, comments: object, post: str, found: _Found, otherwise: datetime, *, answered: str = ""
    ) -> None:
        """`answered` is what an answer of the page that names nothing else is to."""
        for comment in things(comments):
            if not _ID.fullmatch(string(comment, "id")):
                found.skipped.append("a comment without an ID")
            elif self._is_ours(comment):
                at = moment(comment.get("created_time"), otherwise)
                found.answer(string(inner(comment, "parent"), "id") or answered, at, clean(string(comment, "message")))
            else:
                self._take(comment, post, found, otherwise)

    def _take(self, thing: Mapping[str, Any], post: str, found: _Found, otherwise: datetime) -> None:
        found.add(self._mention(thing, post, otherwise), self._own)

    def _page(self, found: _Found, state: _State) -> Page:
        """What the page has answered since the last round, and is too old to be shown here, is looked at soon."""
        fresh = {to for to, (at, _) in found.own.items() if at.timestamp() > state.since - LATE}
        older = [to for to in fresh if to in state.watched.times and to not in found.mentions]
        state.answered = list(dict.fromkeys([*state.answered, *sorted(older)]))
        return found.page()

    def _is_ours(self, thing: Mapping[str, Any]) -> bool:
        return string(inner(thing, "from"), "id") == self._settings.page

    def _mention(self, thing: Mapping[str, Any], post: str, otherwise: datetime) -> Mention | None:
        """None where there are no words, as with a picture alone. `post` is the one below which a comment stands."""
        number, text = string(thing, "id"), clean(string(thing, "message"))
        if not _ID.fullmatch(number) or not text:
            return None
        parent = string(inner(thing, "parent"), "id")
        parent = parent if _ID.fullmatch(parent) else ""
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            created_at=moment(thing.get("created_time"), otherwise),
            url=canonical_url(string(thing, "permalink_url")) or self._link(number, post, parent),
            author=one_line(string(inner(thing, "from"), "name"), 100),
            rating=float(stars) if (stars := thing.get("stars")) in (1, 5) else None,
            language=self._settings.language,
            thread=parent or post,
            raw={
                "post": post,
                "parent": parent,
                "writer": one_line(string(inner(thing, "from"), "id"), 40),
                "elsewhere": not post and not number.startswith(f"{self._settings.page}_"),
                "closed": thing.get("can_comment") is False,
                "hidden": thing.get("is_hidden") is True,
            },
        )

    def _link(self, number: str, post: str, parent: str) -> str:
        """As Facebook itself makes them."""
        if not post:
            return f"https://www.facebook.com/{number}"
        below = f"https://www.facebook.com/{self._settings.page}/posts/{post.rpartition('_')[2]}/?comment_id="
        last = number.rpartition("_")[2]
        return f"{below}{parent.rpartition('_')[2]}&reply_comment_id={last}" if parent else f"{below}{last}"

    def _receipt(self, comment: Mapping[str, Any]) -> Receipt:
        number = one_line(string(comment, "id"), 60)
        return Receipt(
            id=number, url=canonical_url(string(comment, "permalink_url")) or f"https://www.facebook.com/{number}"
        )


class ListeningFacebook(Facebook):
    """Is told at once, also of comments below old posts and below adverts, which no list holds."""

    def handshake(self, query: Mapping[str, str]) -> str:
        return handshake(self._settings, query)

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Page:
        found, gone, answered = _Found(), list[str](), list[str]()
        for name, told in changes(self._settings, headers, body, "page", self._settings.page):
            thing, post = _recommendation(told) if name == "ratings" else _as_read(told)
            if name not in ("feed", "ratings") or not _ID.fullmatch(thing["id"]) or string(told, "item") in _NO_WORDS:
                continue
            if string(told, "verb") == "remove":
                gone.append(thing["id"])
            elif string(told, "verb") not in ("add", "edit", "edited"):
                continue
            elif self._is_ours(thing):
                answered.append(string(inner(thing, "parent"), "id") or post)  # by somebody in the page's name
            else:
                self._take(thing, post, found, now)
        named = tuple(filter(_ID.fullmatch, answered))
        return replace(found.page(), gone=tuple(gone), told=named, more=bool(named))

    async def poll_told(self, cursor: str, told: Mapping[str, datetime]) -> Page:
        """What the page has answered is looked at, however old it is; the cursor remembers it from here on."""
        state = _State.parse(cursor)
        state.answered = list(dict.fromkeys([*state.answered, *told]))
        return replace(await self._poll(state), read=tuple(told))


def _as_read(told: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """A post or comment as a delivery tells of it, with the names of fields that reading has; and its post."""
    number, post, parent = (string(told, name) for name in ("comment_id", "post_id", "parent_id"))
    thing: dict[str, Any] = {"id": number or post, "from": inner(told, "from"), "message": string(told, "message")}
    thing |= {"created_time": told.get("created_time"), "parent": {"id": parent if parent != post else ""}}
    return thing, post if number else ""


def _recommendation(told: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The same of a recommendation. That these are told of is not documented any more; whoever gets them is lucky."""
    number = string(told, "open_graph_story_id") if string(told, "item") == "rating" else ""
    stars = 5 if string(told, "recommendation_type") == "positive" else 1
    who = {"id": string(told, "reviewer_id"), "name": string(told, "reviewer_name")}
    said = string(told, "review_text").strip() or cells.drawn(stars)
    return {"id": number, "from": who, "message": said, "created_time": told.get("created_time"), "stars": stars}, ""


def _target(mention: Mention) -> str:
    """What an answer stands below. Threads have two levels, so who answers an answer answers its thread; that it is
    found there again is what counts."""
    parent = mention.raw.get("parent")
    return parent if isinstance(parent, str) and _ID.fullmatch(parent) else mention.id
