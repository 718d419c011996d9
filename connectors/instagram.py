"""Comments below the posts of an Instagram account, and where others tag or mention it; answered by the account.

The account has to be a professional one, connected to a Facebook page. One request brings a number of posts, each with
its newest comments and the answers to them. Who is only mentioned is told so by webhooks and by nothing else.
https://developers.facebook.com/docs/instagram-platform/comment-moderation
https://developers.facebook.com/docs/instagram-platform/instagram-api-with-facebook-login/mentions
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal

from pydantic import Field

from monitor.answerable import original, refuse_manual
from monitor.budgets import Budget
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.errors import BudgetSpent, NotFound, PermanentError, SourceError, TemporaryError
from monitor.fields import inner, string, things
from monitor.http import DAY, Http
from monitor.meta import (
    POSTS,
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
COMMENTS = 50  # the most of one post, or of answers to one comment, that an answer holds
LOOKED_AT = 10  # comments that one poll looks at again, or that it was told of
OVERLAP = DAY  # comments that are read again, as they may be answered
_ID = re.compile(r"[0-9]{1,25}")
_COMMENT = "id,text,timestamp,username,from,hidden,parent_id"
_WITH_ANSWERS = f"{_COMMENT},replies.limit({COMMENTS}){{{_COMMENT}}}"
_MEDIA = f"id,permalink,timestamp,comments.limit({COMMENTS}){{{_WITH_ANSWERS}}}"
_TAGGED = "id,caption,permalink,timestamp,username"
_READING = ("instagram_basic", "pages_read_engagement")
_ANSWERING = ("instagram_manage_comments",)
_MENTIONED = {
    "mentioned_comment": "mentioned_comment.comment_id({}){{id,text,timestamp,media}}",
    "mentioned_media": "mentioned_media.media_id({}){{id,caption,timestamp,username}}",
}
_ONLY_TAGGED = "Instagram lets nobody answer posts by a program in which the account is only tagged; a person has to"
_HIDDEN = "the comment is hidden, and Instagram lets nobody answer it by a program then"
_UNSEEN = "Instagram does not show what stands below posts of others; a person has to look"


class Settings(MetaOptions):
    """`[sources.NAME]` with `kind = "instagram"`."""

    account: str = Field(pattern=r"^[0-9]{1,25}$", description="ID of your Instagram account, a number: '17841…'")
    username: str = Field(pattern=r"^[\w.]{1,30}$", description="its name there, without the @")
    tags: bool = Field(default=True, description="whether posts of others in which the account is tagged are read")
    replies: Literal["all", "manual"] = Field(default="all", description="what Ohlas itself answers, or nothing")


def connect(settings: Settings, http: Http) -> Instagram:
    return ListeningInstagram(settings, http) if settings.verify_token else Instagram(settings, http)


class _State(MetaRound):
    """The cursor: a round reads posts up to an age, then what more stands below some of them."""

    posts: dict[str, tuple[str, dict[str, str]]] = Field(default_factory=dict)  # with more comments -> link, next page
    told: dict[str, datetime] = Field(default_factory=dict, exclude=True)  # what the service keeps for it

    def is_due(self, job: str, options: MetaOptions, now: float) -> bool:
        return bool(self.told) if job == "told" else super().is_due(job, options, now)


class Instagram:
    """Every poll is one request, but for what is looked at again, one by one."""

    reply_rules = ReplyRules(kind="create", max_length=2_200, channel="post")  # the length is not documented

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._graph = GraphApi(http, settings, "Instagram")
        self._own = {fold(name.lstrip("@")) for name in (settings.username, *settings.own_names)}
        if settings.replies == "manual":
            self.reply_rules = replace(self.reply_rules, kind="manual")

    @property
    def budgets(self) -> Mapping[Budget, float]:
        return {self._graph.budget: 3.0 if self._settings.tags else 2.0}

    async def poll(self, cursor: str) -> Page:
        return await self._poll(_State.parse(cursor))

    async def close(self) -> None:
        pass

    async def abilities(self) -> Abilities:
        name = one_line(string(await self._graph.get(self._settings.account, "id,username"), "username"), 60)
        if fold(name) != fold(self._settings.username):
            return mute(self, f"the account is @{name}; set that as username")
        granted, usual = await self._graph.granted(), expected(self, f"@{name}")
        return granted.abilities(usual, _READING, _ANSWERING) if granted else usual

    async def fetch(self, mention: Mention) -> Mention | None:
        if mention.raw.get("way") == "tag":
            return mention  # nothing is posted there, and its ID shows nothing
        try:
            current = await self._look_at(mention.id, str(mention.raw.get("way")), mention.created_at, for_answer=True)
        except NotFound:
            return None
        shown = original(mention.id, [current], "Instagram")
        return replace(shown, url=shown.url or mention.url)

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        """Answers to an answer name its author, whose name counts."""
        if mention.raw.get("way") == "tag":
            return replace(self.reply_rules, kind="manual", note=_ONLY_TAGGED)
        if mention.raw.get("hidden") is True:
            return replace(self.reply_rules, kind="manual", note=_HIDDEN)
        return replace(self.reply_rules, max_length=self.reply_rules.max_length - len(_addressed(mention, "")))

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        refuse_manual(self.reply_rules_for(mention))
        if (way := mention.raw.get("way")) in _MENTIONED:
            media = {"media_id": str(mention.raw.get("media", ""))}
            what = {"comment_id": mention.id, **media} if way == "mentioned_comment" else media
            posted = await self._graph.post(f"{self._settings.account}/mentions", message=text, **what)
        else:
            posted = await self._graph.post(f"{_target(mention)}/replies", message=_addressed(mention, text))
        return _receipt(posted, mention)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        if mention.raw.get("way") in _MENTIONED:
            raise PermanentError(_UNSEEN, cause="no_look_up", words="Instagram")
        found = await self._graph.own_answer(
            f"{_target(mention)}/replies",
            _COMMENT,
            COMMENTS,
            mention,
            [text, _addressed(mention, text)],
            self._is_ours,
            shared=bool(mention.thread),
        )
        return _receipt(found, mention) if found else None

    async def _poll(self, state: _State) -> Page:
        now = datetime.now(UTC)
        order = ("told", "media", *(["tags"] if self._settings.tags else []), "posts", "again", "token")
        is_due = partial(state.is_due, options=self._settings, now=now.timestamp())
        page = await state.poll(order, is_due, lambda job: self._do(job, state, now), now.timestamp())
        return replace(page, more=page.more or bool(state.told), wait=self._graph.wait)

    async def _do(self, job: str, state: _State, now: datetime) -> Page:
        match job:
            case "told":
                page = await self._read_told(state, now)
            case "tags":
                page = await self._read_tags(state, now)
            case "posts":
                page = await self._read_comments(state, now)
            case "again":
                page = await self._look_again(state, now)
            case "token":
                page = await state.look_at_token(self._graph, now)
            case _:
                page = await self._read_media(state, now)
        own = (one for one in page.mentions if one.raw["way"] == "comment")  # of others' an ID does not show the state
        state.watched.add(own, now.timestamp())
        return page

    async def _read_media(self, state: _State, now: datetime) -> Page:
        """Posts of the account with their newest comments."""
        path = f"{self._settings.account}/media"
        answer = await state.posts_of(self._graph, path, _MEDIA)
        if answer is None:
            return Page()
        found, since = Found(), state.reach(OVERLAP, self._settings.days)
        state.after = following(answer) if is_young(answer, self._settings.days, now) else {}
        for media in things(listed(answer, "Instagram")):
            if not _ID.fullmatch(string(media, "id")):
                found.skipped.append("a post without an ID")
                continue
            link = canonical_url(string(media, "permalink"))
            below = inner(media, "comments")
            if self._take(below.get("data"), string(media, "id"), link, found, now) > since:
                state.posts |= {string(media, "id"): (link, more)} if (more := following(below)) else {}
        return found.page()

    async def _read_tags(self, state: _State, now: datetime) -> Page:
        """Posts of others in which the account is tagged."""
        path = f"{self._settings.account}/tags"
        answer = await self._graph.get(path, _TAGGED, state.after, limit=POSTS)
        more = following(answer, without_link=True) if is_young(answer, self._settings.days, now) else {}
        state.after = more if more != state.after else {}
        found = Found()
        for media in things(listed(answer, "Instagram")):
            if not _ID.fullmatch(string(media, "id")):
                found.skipped.append("a post without an ID")
                continue
            mention = self._mention(media, string(media, "id"), canonical_url(string(media, "permalink")), now, "tag")
            if mention is not None and not self._is_ours(media):
                found.mentions.setdefault(mention.id, mention)
        return found.page()

    async def _read_comments(self, state: _State, now: datetime) -> Page:
        """More of those below one post."""
        (number, (link, after)), since = next(iter(state.posts.items())), state.reach(OVERLAP, self._settings.days)
        try:
            answer = await self._graph.get(f"{number}/comments", _WITH_ANSWERS, after, limit=COMMENTS)
        except NotFound:  # deleted meanwhile
            answer = {"data": []}
        found = Found()
        oldest = self._take(listed(answer, "Instagram"), number, link, found, now)
        more = following(answer) if oldest > since else {}
        del state.posts[number]
        if more and more != after:
            state.posts = {number: (link, more), **state.posts}
        return found.page()

    async def _read_told(self, state: _State, now: datetime) -> Page:
        """What a webhook told of. What cannot be read is tried again for as long as posts are read."""
        found, read, put_off = Found(), list[str](), list[str]()
        for name, at in list(state.told.items())[:LOOKED_AT]:
            way, _, number = name.partition(".")
            try:
                found.add(await self._look_at(number, way, at), self._own)
            except NotFound:
                pass  # deleted meanwhile
            except BudgetSpent:
                if not (read or put_off):
                    raise
                break  # what was read is not read again
            except SourceError as error:
                if now - at < timedelta(days=self._settings.days):
                    put_off.append(name)
                    if isinstance(error, TemporaryError):
                        break
                    continue  # the rest can be read all the same
                found.skipped.append(f"{number}, which a webhook told of: {error}")
            read.append(name)
        state.told = {name: at for name, at in state.told.items() if name not in (*read, *put_off)}
        return replace(found.page(), read=tuple(read), put_off=tuple(put_off))

    async def _look_again(self, state: _State, now: datetime) -> Page:
        due = state.watched.due(now.timestamp(), self._settings.recheck_days)[:LOOKED_AT]
        return await state.look_again(due, lambda number: self._look_at(number, "comment", now), now.timestamp())

    async def _look_at(self, number: str, way: str, otherwise: datetime, *, for_answer: bool = False) -> Mention | None:
        """What stands there now, a comment with the account's answer below it; None: no words any more. Raises a
        `SourceError`, NotFound where it is gone."""
        if way in _MENTIONED:
            fields = _MENTIONED[way].format(number)
            answer = await self._graph.get(self._settings.account, fields, for_answer=for_answer)
            thing = inner(answer, way)
            return self._mention(thing, string(inner(thing, "media"), "id"), "", otherwise, way)
        fields = f"{_WITH_ANSWERS},media{{id,permalink}}"
        thing = await self._graph.get(number, fields, for_answer=for_answer)
        found, media = Found(), inner(thing, "media")
        self._take([thing], string(media, "id"), canonical_url(string(media, "permalink")), found, otherwise)
        return found.mentions.get(number)

    def _take(self, comments: object, media: str, link: str, found: Found, otherwise: datetime) -> float:
        """Take comments and the answers to them; returns when the oldest comment was written, Unix seconds."""
        oldest = otherwise.timestamp()
        for comment in things(comments):
            if not _ID.fullmatch(string(comment, "id")):
                found.skipped.append("a comment without an ID")
                continue
            oldest = min(oldest, moment(comment.get("timestamp"), otherwise).timestamp())
            answers = [one for one in things(inner(comment, "replies").get("data")) if _ID.fullmatch(string(one, "id"))]
            own = sorted((one for one in answers if self._is_ours(one)), key=lambda one: string(one, "timestamp"))
            for one in (comment, *answers):
                below = "" if one is comment else string(comment, "id")
                mention = self._mention(one, media, link, otherwise, parent=below)
                if mention is not None and not self._is_ours(one):
                    reply = clean(string(own[-1], "text")) if own and one is comment else ""
                    found.mentions.setdefault(mention.id, replace(mention, reply=reply))
        return oldest

    def _is_ours(self, thing: Mapping[str, Any]) -> bool:
        return bool({fold(_author(thing)), fold(string(thing, "username"))} & self._own)

    def _mention(
        self,
        thing: Mapping[str, Any],
        media: str,
        link: str,
        otherwise: datetime,
        way: str = "comment",
        parent: str = "",
    ) -> Mention | None:
        """A comment, or somebody else's post; None where there are no words."""
        text, parent = clean(string(thing, "text", "caption")), parent or string(thing, "parent_id")
        if not _ID.fullmatch(string(thing, "id")) or not text:
            return None
        return Mention(
            source=self._settings.name,
            id=string(thing, "id"),
            text=text,
            created_at=moment(thing.get("timestamp"), otherwise),
            url=link,
            author=_author(thing),
            language=self._settings.language,
            thread=parent if _ID.fullmatch(parent) else "",
            raw={"way": way, "media": media or string(thing, "id"), "hidden": thing.get("hidden") is True},
        )


class ListeningInstagram(Instagram):
    """Is told at once, also of comments below old posts, and of mentions, which no list holds."""

    def handshake(self, query: Mapping[str, str]) -> str:
        return handshake(self._settings, query)

    def receive(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Page:
        """A delivery lacks the time and the link of a comment, so that it only has it read."""
        named: dict[str, str] = {}
        for name, told in changes(self._settings, headers, body, "instagram", self._settings.account):
            number, way = string(told, "id"), "comment"
            if name == "mentions":
                number, way = string(told, "comment_id"), "mentioned_comment"
                number, way = (number, way) if number else (string(told, "media_id"), "mentioned_media")
            if name not in ("comments", "mentions") or not _ID.fullmatch(number) or self._is_ours(told):
                continue
            if name == "comments" or number not in named:  # a comment of our own posts may mention us, too
                named[number] = way
        return Page(told=tuple(f"{way}.{number}" for number, way in named.items()), more=bool(named))

    async def poll_told(self, cursor: str, told: Mapping[str, datetime]) -> Page:
        state = _State.parse(cursor)
        state.told = dict(told)
        return await self._poll(state)


def _author(thing: Mapping[str, Any]) -> str:
    return one_line(string(thing, "username") or string(inner(thing, "from"), "username"), 60)


def _target(mention: Mention) -> str:
    """Only comments on top can be answered."""
    return mention.thread or mention.id


def _addressed(mention: Mention, text: str) -> str:
    return f"@{mention.author} {text}" if mention.thread and mention.author else text


def _receipt(comment: Mapping[str, Any], mention: Mention) -> Receipt:
    return Receipt(id=one_line(string(comment, "id"), 60), url=mention.url)
