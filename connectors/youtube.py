"""Comments on YouTube, below the videos of your channel and below other videos, with the YouTube Data API.

A key reads; answers need the permission of the channel's owner. A project has 10,000 units a day, which all sources
with the same key share: reading a page costs one, an answer fifty.
What is kept must be looked at again within thirty days, or deleted: fifty comments for a unit.
https://developers.google.com/youtube/terms/developer-policies
https://developers.google.com/youtube/v3/docs/commentThreads/list
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from pydantic import Field, SecretStr, model_validator

from monitor import cells
from monitor.budgets import Budget, Day, Rolling, account_of
from monitor.contract import Abilities, Page, Receipt, ReplyRules
from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError, nonsense
from monitor.fields import inner, rows, string
from monitor.google import GoogleApi, RefreshToken, refusal
from monitor.http import Http, Response
from monitor.model import Mention
from monitor.options import SourceOptions
from monitor.rechecks import believe
from monitor.rounds import Feeds
from monitor.text import clean, fold, one_line
from monitor.vouching import expected, mute

QUOTA = "10,000 units a day"
COST = "free"
API = "https://www.googleapis.com/youtube/v3"
MOST = 100  # threads in one answer
AGAIN = 50  # comments that are looked at again at once, as many as YouTube takes
OVERLAP = 3600.0  # seconds; some comments are shown late
LOOKED_THROUGH = 5  # pages of answers in which one is looked for
ANSWER = 50  # units that an answer costs; everything else costs one
_RESERVED = 0.1  # share of the day's units that is kept for answers
_RECHECKS = 0.1  # share of them that looking at kept comments again may take
_DAYS = Day("America/Los_Angeles")  # quotas are renewed at midnight there
_REFUSALS = (400, 403, 404, 429)
_SPENT = frozenset({"quotaExceeded", "dailyLimitExceeded"})
_BAD_KEY = frozenset({"keyInvalid", "keyExpired", "API_KEY_INVALID"})
_ID = re.compile(r"[\w-]{10,60}(\.[\w-]{10,60})?", re.ASCII)
_VIDEO = re.compile(r"[\w-]{11}", re.ASCII)
_CLOSED = "YouTube does not let the channel answer this comment; a person has to look"


class Settings(SourceOptions):
    """`[sources.NAME]` with `kind = "youtube"`."""

    interval: float = Field(default=900.0, ge=60.0, le=7 * 86400.0, description="seconds between two polls")
    channel: str = Field(
        default="", pattern=r"^(UC[\w-]{22})?$", description="ID of your channel, 'UC…', all of whose comments are read"
    )
    videos: tuple[str, ...] = Field(default=(), max_length=50, description="IDs of other videos that are read")
    key: SecretStr | None = Field(default=None, description="API key, enough for reading: '$NAME'")
    client_id: str = Field(default="", description="of an OAuth client; for answering")
    client_secret: SecretStr | None = Field(default=None, description="its secret: '$NAME'")
    refresh_token: SecretStr | None = Field(default=None, description="what the channel's owner granted it: '$NAME'")
    daily_units: int = Field(default=10_000, ge=200, description="units a day that your project on Google Cloud has")

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        granted = [bool(self.client_id), self.client_secret is not None, self.refresh_token is not None]
        if any(granted) and not all(granted):
            raise ValueError("answering needs all of client_id, client_secret and refresh_token")
        if not any(granted) and self.key is None:
            raise ValueError("set a key, or client_id, client_secret and refresh_token")
        if all(granted) and not self.channel:
            raise ValueError("set channel, in whose name answers are written")
        if not (self.channel or self.videos):
            raise ValueError("set channel or videos")
        if bad := [video for video in self.videos if not _VIDEO.fullmatch(video)]:
            raise ValueError(f"{bad[0]!r} is no ID of a video, the 11 characters behind watch?v=")
        return self

    @property
    def grant(self) -> RefreshToken | None:
        if self.client_secret is None or self.refresh_token is None:
            return None
        return RefreshToken(self.client_id, self.client_secret, self.refresh_token)


def connect(settings: Settings, http: Http) -> YouTube:
    return AnsweringYouTube(settings, http) if settings.grant else YouTube(settings, http)


class YouTube:
    """Reads. Every poll is one request."""

    reply_rules = ReplyRules(kind="manual", max_length=10_000, channel="post")
    forget_within = timedelta(0)
    look_every = timedelta(days=1)
    look_within = timedelta(days=30)
    looks_at_once = AGAIN

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._own = {fold(name.lstrip("@")) for name in settings.own_names}
        key = settings.key.get_secret_value() if settings.key and not settings.client_id else ""
        quota = Budget(
            account=account_of("youtube", settings.client_id or key),
            name="units",
            unit="units",
            limit=settings.daily_units,
            window=_DAYS,
            reserve=settings.daily_units * _RESERVED,
        )
        self._units = http.ledger.meter(quota)
        most = settings.daily_units * _RECHECKS
        rechecks = replace(quota, name="rechecks", limit=most, reserve=0.0, window=Rolling(86_400.0))
        self._rechecks = http.ledger.meter(rechecks)
        self._api = GoogleApi(http, settings.grant, "YouTube", self._units) if settings.grant else None
        self._lists = [*(["channel"] if settings.channel else []), *settings.videos]
        self.budgets = {quota: float(len(self._lists)), rechecks: 0.0}

    async def poll(self, cursor: str) -> Page:
        """The cursor's jobs are "channel" and videos."""
        state, now = Feeds.parse(cursor), datetime.now(UTC)
        return await state.poll(self._lists, lambda _: self._read(state, now))

    async def look_again(self, ids: Sequence[str]) -> Page:
        now, asked = datetime.now(UTC), [one for one in ids if _ID.fullmatch(one)]
        items = await self._known(asked) if asked else []
        there = {string(item, "id") for item in items}
        if asked:
            await believe(there, self._shows_others, "YouTube")
        # which video it is below, and whether it may be answered, is said only where comments are listed
        seen = [replace(one, url="", raw={}) for one in (self._mention(item, {}, now) for item in items) if one]
        gone = tuple(one for one in asked if one not in there)
        return Page(mentions=tuple(one for one in seen if one.id in asked), gone=gone, looked=tuple(ids))

    async def close(self) -> None:
        pass

    async def fetch(self, mention: Mention) -> Mention | None:
        if "." in mention.id:
            asked = {"id": mention.id, "part": "snippet"}
            items = rows(await self._ask("comments", asked, writing=True), "items")
            found = [self._mention(item, {}, mention.created_at) for item in items]
        else:
            asked = {"id": mention.id, "part": "snippet,replies"}
            items = rows(await self._ask("commentThreads", asked, writing=True), "items")
            found = [one for item in items for one in self._thread(item, mention.created_at)]
        current = next((one for one in found if one and one.id == mention.id), None)
        if items and current is None:
            raise TemporaryError("YouTube does not show the original at the moment", cause="passing", words="YouTube")
        return replace(current, url=mention.url, raw=mention.raw) if current else None

    async def _read(self, state: Feeds, now: datetime) -> Page:
        job = state.job
        asked = self._listing(job) | ({"pageToken": state.after} if state.after else {})
        try:
            document = await self._ask("commentThreads", asked)
        except PermanentError as error:
            if job == "channel" or len(self._settings.videos) < 2:
                raise
            state.after = ""  # the other videos can be read all the same
            return Page(skipped=(f"the video {job}: {error}",))
        page = self._page(document["items"], now)
        tops = [inner(item, "snippet") for item in rows(document, "items")]
        written = [_moment(inner(inner(top, "topLevelComment"), "snippet"), now).timestamp() for top in tops]
        state.go_on(written, string(document, "nextPageToken"), overlap=OVERLAP)
        return page

    async def _known(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        self._rechecks.take()
        return rows(await self._ask("comments", {"id": ",".join(ids), "part": "snippet"}), "items")

    async def _shows_others(self) -> bool:
        self._rechecks.take()
        listed = rows(await self._ask("commentThreads", self._listing(self._lists[0]) | {"maxResults": "1"}), "items")
        ids = [number for one in listed if _ID.fullmatch(number := string(one, "id"))]
        return bool(ids) and bool(await self._known(ids))

    def _listing(self, job: str) -> dict[str, str]:
        where = {"allThreadsRelatedToChannelId": self._settings.channel} if job == "channel" else {"videoId": job}
        return {"part": "snippet,replies", "order": "time", "maxResults": str(MOST), **where}

    async def _ask(self, path: str, asked: Mapping[str, str], *, writing: bool = False) -> dict[str, Any]:
        """What the API answers; `items` is a list. Raises a `SourceError`."""
        plain = {} if path == "channels" else {"textFormat": "plainText"}
        url = f"{API}/{path}?{urlencode({**plain, **asked})}"
        if self._api is not None:
            response = await self._api.get(url, also=_REFUSALS, writing=writing)
        else:
            self._units.take(writing=writing)
            key = self._settings.key.get_secret_value() if self._settings.key else ""
            response = await self._http.get(url, headers={"X-Goog-Api-Key": key}, also=_REFUSALS)
        if response.status >= 400:
            raise self._refusal(response)
        document = response.json()
        if not isinstance(document, dict) or not isinstance(document.get("items"), list):
            raise nonsense("YouTube", "list of comments")
        return document

    def _refusal(self, response: Response) -> SourceError:
        error = _refusal(response)
        if isinstance(error, TemporaryError) and error.retry_after:
            self._units.close(error.retry_after)
        return error

    def _page(self, items: list[Any], now: datetime) -> Page:
        mentions: dict[str, Mention] = {}
        skipped: list[str] = []
        for item in items:
            found = list(self._thread(item, now)) if isinstance(item, dict) else []
            if not found or found[0] is None:
                skipped.append("a comment without an id or a text")
            for mention in found:
                if mention is not None and not self._is_own(mention):
                    mentions.setdefault(mention.id, mention)
        return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))

    def _thread(self, item: Mapping[str, Any], otherwise: datetime) -> Iterator[Mention | None]:
        """The comment and the answers to it, own ones too; None for one without an id or words."""
        thread = inner(item, "snippet")
        top = self._mention(inner(thread, "topLevelComment"), thread, otherwise)
        answers = [self._mention(one, thread, otherwise) for one in rows(inner(item, "replies"), "comments")]
        own = sorted((one for one in answers if one and self._is_own(one)), key=lambda one: one.created_at)
        yield replace(top, reply=own[-1].text) if top and own else top
        yield from (one for one in answers if one)

    def _is_own(self, mention: Mention) -> bool:
        by_us = bool(self._settings.channel) and mention.raw.get("writer") == self._settings.channel
        return by_us or fold(mention.author.lstrip("@")) in self._own

    def _mention(self, comment: Mapping[str, Any], thread: Mapping[str, Any], otherwise: datetime) -> Mention | None:
        """None where there are no words. `otherwise` is when it was written, where that is not said."""
        said, number = inner(comment, "snippet"), string(comment, "id")
        text = clean(string(said, "textOriginal", "textDisplay"))
        if not _ID.fullmatch(number) or not text:
            return None
        video = string(said, "videoId") or string(thread, "videoId")
        return Mention(
            source=self._settings.name,
            id=number,
            text=text,
            created_at=_moment(said, otherwise),
            url=f"https://www.youtube.com/watch?v={video}&lc={number}" if _VIDEO.fullmatch(video) else "",
            author=one_line(string(said, "authorDisplayName"), 100),
            language=self._settings.language,
            thread=number.partition(".")[0] if "." in number else "",
            raw={
                "video": video,
                "writer": one_line(string(inner(said, "authorChannelId"), "value"), 50),
                "closed": thread.get("canReply") is False,
            },
        )


class AnsweringYouTube(YouTube):
    """Answers in the channel's name. YouTube's threads are flat: who answers an answer answers its thread."""

    reply_rules = ReplyRules(kind="create", max_length=10_000, channel="post")

    async def abilities(self) -> Abilities:
        items = rows(await self._ask("channels", {"mine": "true", "part": "snippet"}), "items")
        names = {string(one, "id"): one_line(string(inner(one, "snippet"), "title"), 60) for one in items}
        ours = self._settings.channel
        if ours in names:
            return expected(self, names[ours] or ours)
        given = one_line(next(iter(names), ""), 40) or "no channel at all"
        return mute(self, f"the permission is for {given}; let the owner of {ours} grant it")

    def reply_rules_for(self, mention: Mention) -> ReplyRules:
        closed = mention.raw.get("closed") is True
        return replace(self.reply_rules, kind="manual", note=_CLOSED) if closed else self.reply_rules

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        if self._api is None or self.reply_rules_for(mention).kind == "manual":
            raise PermanentError(_CLOSED, cause="locked", words="YouTube")
        parent = mention.id.partition(".")[0]
        document = {"snippet": {"parentId": parent, "textOriginal": text}}
        self._units.take(ANSWER, writing=True)
        response = await self._api.send("POST", f"{API}/comments?part=snippet", document, also=_REFUSALS)
        if response.status >= 400:
            raise self._refusal(response)
        try:
            posted = json.loads(response.body)
        except (ValueError, RecursionError):
            posted = None
        number = string(posted if isinstance(posted, dict) else {}, "id")
        if not _ID.fullmatch(number):
            raise OutcomeUnknown("YouTube does not say whether it took the answer", cause="not_known", words="YouTube")
        return _receipt(number, mention)

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        other, asked = False, {"parentId": mention.id.partition(".")[0], "part": "snippet", "maxResults": "100"}
        for _ in range(LOOKED_THROUGH):
            document = await self._ask("comments", asked, writing=True)
            answers = [self._mention(item, {}, mention.created_at) for item in rows(document, "items")]
            own = [one for one in answers if one and self._is_own(one) and one.created_at >= mention.created_at]
            if found := next((one for one in own if fold(one.text) == fold(text)), None):
                return _receipt(found.id, mention)
            other = other or any(fold(one.text) != fold(mention.reply) for one in own)
            following = string(document, "nextPageToken")
            if not following and not other:
                return None
            if not following:
                raise PermanentError("Another answer stands there; a person has to look.", cause="answered")
            asked["pageToken"] = following
        raise PermanentError("There are so many answers that a person has to look.", cause="many_answers")


def _receipt(number: str, mention: Mention) -> Receipt:
    video = str(mention.raw.get("video", ""))
    link = f"https://www.youtube.com/watch?v={video}&lc={number}" if _VIDEO.fullmatch(video) else ""
    return Receipt(id=number, url=link)


def _moment(said: Mapping[str, Any], otherwise: datetime) -> datetime:
    return cells.past(string(said, "publishedAt")) or otherwise


def _refusal(response: Response) -> SourceError:
    try:
        document = response.json()
    except TemporaryError:
        document = None  # e.g. a page of HTML
    error = inner(document if isinstance(document, dict) else {}, "error")
    reasons = {string(one, "reason") for one in (*rows(error, "errors"), *rows(error, "details"))}
    if reasons & _SPENT:
        now = datetime.now(UTC)
        pause = (_DAYS.forgets(_DAYS.slot(now)) - now).total_seconds()
        return TemporaryError(
            "the units that YouTube gives the project for a day are used up",
            retry_after=pause,
            cause="quota",
            words="YouTube",
        )
    if reasons & _BAD_KEY:
        return AuthError("YouTube refuses the key of this source", cause="refused", words="YouTube")
    if "commentsDisabled" in reasons:
        return PermanentError("YouTube shows no comments there, because they are switched off")
    if reasons & {"videoNotFound", "channelNotFound"}:
        return NotFound("YouTube knows no such video or channel; check the IDs", cause="not_there", words="YouTube")
    return refusal(response, "YouTube")
