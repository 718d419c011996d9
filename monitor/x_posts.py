"""Posts of X as its API shows them, under the names of both of its versions, and the mentions that become of them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitor import cells
from monitor.contract import Page
from monitor.fields import inner, rows, string, strings
from monitor.model import Mention
from monitor.text import canonical_url, clean, fold, one_line

NUMBER = re.compile(r"[0-9]{1,19}")
# X makes links of addresses without https:// too, under all endings that there are: those of all countries have two
# letters. Who takes a missing space for one thinks that an answer is dearer than it is, and no worse.
LINK = re.compile(
    r"https?://\S+|(?<![\w@.-])(?:[\w-]+\.)+"
    r"(?:[a-z]{2}|com|net|org|info|biz|shop|store|online|site|app|page|link|club|xyz|blog)\b(?:[/?]\S*)?",
    re.IGNORECASE,
)
_EPOCH = 1_288_834_974.657  # Unix seconds; the ids of X count milliseconds from here
_ADDRESSEES = re.compile(r"^(?:\s*@\w+)+")


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes mentions of the posts in an answer of X. Only processes data."""

    source: str
    language: str  # of posts that do not say it
    account: str  # our name on X, without the @; may be empty
    number: str  # its id; may be empty

    def page(self, document: Mapping[str, Any], now: datetime, *, addressed: bool) -> Page:
        authors = {id_of(user): user for user in rows(inner(document, "includes"), "users")}
        posts = document.get("data") or []
        mentions: dict[str, Mention] = {}
        skipped: list[str] = []
        for post in posts if isinstance(posts, list) else ["data"]:
            if not isinstance(post, dict) or not id_of(post) or not words_of(post):
                skipped.append("a post without an id or a text")
            elif not self._is_left_out(post):
                mention = self._mention(post, authors, now, addressed=addressed)
                mentions.setdefault(mention.id, mention)  # newest first
        return Page(mentions=tuple(mentions.values()), skipped=tuple(skipped))

    def _is_left_out(self, post: Mapping[str, Any]) -> bool:
        """What the account itself wrote, and what others merely passed on."""
        own = self.number and valid_id(post.get("author_id")) == self.number
        return bool(own) or any(kind == "retweeted" for kind, _ in references(post))

    def _mention(
        self, post: Mapping[str, Any], authors: Mapping[str, Any], now: datetime, *, addressed: bool
    ) -> Mention:
        author = authors.get(valid_id(post.get("author_id")), {})
        handle = one_line(string(author, "username"), 50)
        written = _written(id_of(post), string(post, "created_at"), now)
        versions = versions_of(post)
        return Mention(
            source=self.source,
            id=next(iter(versions), id_of(post)),  # an edited post gets another id
            text=words_of(post),
            created_at=written,
            url=canonical_url(f"https://x.com/{handle or 'i'}/status/{id_of(post)}"),
            author=one_line(string(author, "name")) or handle,
            language=cells.language_code(string(post, "lang")) or self.language,
            thread=next((number for kind, number in references(post) if kind == "replied_to"), ""),
            raw={"post": id_of(post), "username": handle, "addressed": addressed or self._is_addressed(post)},
        )

    def _is_addressed(self, post: Mapping[str, Any]) -> bool:
        """Whether it mentions the account, or quotes one of its posts."""
        account, entities = self.account.casefold(), inner(post, "entities")
        for mentioned in rows(entities, "mentions"):
            named = account and string(mentioned, "username").casefold() == account
            if named or (self.number and id_of(mentioned) == self.number):
                return True
        links = [string(link, "expanded_url").casefold() for link in rows(entities, "urls")]
        return bool(account) and any(re.search(rf"\b(x|twitter)\.com/{account}/status/\d", link) for link in links)


def gone(document: Mapping[str, Any]) -> set[str]:
    """Ids of posts that were deleted, or that nobody may see any more; the rules of X treat both alike."""
    hidden = ("resource-not-found", "not-authorized-for-resource")
    return {
        valid_id(error.get("resource_id") or error.get("value"))
        for error in rows(document, "errors")
        if string(error, "type").endswith(hidden) and error.get("resource_type") in ("tweet", "post")
    } - {""}


def written_at(number: str) -> float:
    """When the post was written, in Unix seconds; its id says so."""
    return (int(number or 0) >> 22) / 1000 + _EPOCH


def first_number(moment: datetime) -> str:
    """The least id that a post of that moment may have."""
    return str(int((moment.timestamp() - _EPOCH) * 1000) << 22)


def _written(number: str, date: str, now: datetime) -> datetime:
    try:
        return min(cells.moment(date, UTC) if date else datetime.fromtimestamp(written_at(number), UTC), now)
    except ValueError:
        return now


def words_of(post: Mapping[str, Any]) -> str:
    """The whole text; that of a long post stands elsewhere."""
    long = string(inner(post, "note_tweet", "note_post"), "text")
    return clean(html.unescape(long or string(post, "text")))


def same(posted: str, text: str) -> bool:
    """X puts addressees in front, and replaces links."""
    plain = (fold(LINK.sub("", _ADDRESSEES.sub("", one))) for one in (posted, text))
    return next(plain) == next(plain)


def references(post: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which posts it answers ("replied_to"), quotes or passes on ("retweeted")."""
    found = rows(post, "referenced_tweets", "referenced_posts")
    return [(string(one, "type").replace("reposted", "retweeted"), id_of(one)) for one in found]


def id_of(thing: Mapping[str, Any]) -> str:
    return valid_id(thing.get("id"))


def valid_id(value: object) -> str:
    """ "" where it is none."""
    return value if isinstance(value, str) and NUMBER.fullmatch(value) else ""


def versions_of(post: Mapping[str, Any]) -> list[str]:
    """Ids of an edited post, oldest first."""
    return [number for number in strings(post, "edit_history_tweet_ids", "edit_history_post_ids") if valid_id(number)]
