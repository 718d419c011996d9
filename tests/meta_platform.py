"""Meta's Graph API on 127.0.0.1: fields and edges as they are asked for, tokens, proofs, pages, limits, and answers.

Only fields that the documentation names are known; asking for any other is refused, as by the real one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.loopback import Answer, Asked

TOKEN, SECRET, APP, VERIFY = "EAAcanaryPageToken0001", "canary-app-secret-0002", "1234567890", "canary-verify-0003"
PAGE, ACCOUNT, NAME = "111000111", "17841400000000001", "pupava"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SIGNED = {"token": TOKEN, "app_secret": SECRET}

_PLAIN = {
    "post": {"id", "message", "created_time", "permalink_url", "from", "is_hidden"},
    "comment": {"id", "message", "created_time", "permalink_url", "from", "parent", "can_comment", "is_hidden"},
    "media": {"id", "caption", "timestamp", "permalink", "username", "media_product_type", "comments_count"},
    "remark": {"id", "text", "timestamp", "username", "from", "hidden", "parent_id", "media", "user"},
    "mentioned_comment": {"id", "text", "timestamp", "like_count", "media"},
    "mentioned_media": {"id", "caption", "timestamp", "username", "media_type", "media_url", "owner"},
}
_EDGES = {("post", "comments"), ("comment", "comments"), ("media", "comments"), ("remark", "replies")}


def at(ago: float) -> str:
    """A moment so many seconds before noon, as the API writes it."""
    return f"{NOON - timedelta(seconds=ago):%Y-%m-%dT%H:%M:%S+0000}"


def post(number: int, message: str = "", ago: float = 3600, by: str = PAGE, **more: Any) -> dict[str, Any]:
    name = "Púpava" if by == PAGE else by.title()
    return {
        "kind": "post",
        "id": f"{PAGE}_{number}",
        "message": message,
        "created_time": at(ago),
        "permalink_url": f"https://www.facebook.com/{PAGE}/posts/{number}",
        "from": {"id": by, "name": name},
        "comments": [],
        **more,
    }


def comment(number: str, message: str = "Stan tečie", ago: float = 600, by: str = "eva", **more: Any) -> dict[str, Any]:
    """`number` is that of its post and its own: "5_51"."""
    name = "Púpava" if by == PAGE else by.title()
    of, _, own = number.partition("_")
    return {
        "kind": "comment",
        "id": number,
        "message": message,
        "created_time": at(ago),
        "permalink_url": f"https://www.facebook.com/{PAGE}/posts/{of}/?comment_id={own}",
        "from": {"id": by, "name": name},
        "can_comment": True,
        **more,
    }


def media(number: int, ago: float = 3600, **more: Any) -> dict[str, Any]:
    own = {"permalink": f"https://www.instagram.com/p/S{number}/", "username": NAME, "media_product_type": "FEED"}
    return {
        "kind": "media",
        "id": f"{number}",
        "caption": "Nový stan",
        "timestamp": at(ago),
        "comments": [],
        **own,
        **more,
    }


def remark(number: int, text: str = "Stan tečie", ago: float = 600, by: str = "eva_k", **more: Any) -> dict[str, Any]:
    """A comment on Instagram."""
    who = {"username": by, "from": {"id": f"igsid-{by}", "username": by}}
    return {
        "kind": "remark",
        "id": f"{number}",
        "text": text,
        "timestamp": at(ago),
        "hidden": False,
        "replies": [],
        **who,
        **more,
    }


@dataclass
class MetaPlatform:
    """`posts` and `tagged` are of the page, `medias`, `tags`, `mentioned` and `captions` of the account."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    tagged: list[dict[str, Any]] = field(default_factory=list)
    medias: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)
    mentioned: dict[str, dict[str, Any]] = field(default_factory=dict)  # comments of others that mention the account
    captions: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: list[tuple[str, str]] = field(default_factory=list)  # what was posted at what, elsewhere
    heavy: int = 10_000  # things that are too much in one answer
    shows_names: bool = True
    drops_receipt: bool = False
    usage: Mapping[str, str] = field(default_factory=dict)  # headers of every answer
    faults: list[Answer] = field(default_factory=list)  # answered instead, one after the other
    expires: dict[str, int] = field(default_factory=dict)
    scopes: list[str] = field(default_factory=list)
    closed: str = ""  # a thing that the token may not see
    whose: str = PAGE  # the token is
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Answer:
        url = urlsplit(asked.path)
        path = url.path.removeprefix("/v26.0/")
        assert path != url.path, "every request names its version"
        query = dict(parse_qsl(url.query)) | dict(parse_qsl(asked.body.decode()))
        assert "access_token" not in query and TOKEN not in (url.path + asked.body.decode())
        self.asked.append((asked.method, path, query))
        if path == "debug_token":
            return self._debug(asked, query)
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refused(190, 401, subcode=463)
        if query.pop("appsecret_proof", "") != hmac.new(SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest():
            return refused(100, message="Invalid appsecret_proof provided in the API argument")
        if self.faults:
            return self.faults.pop(0)
        try:
            return self._create(path, query) if asked.method == "POST" else self._read(path, query)
        except _Refused as error:
            return error.args[0]  # type: ignore[no-any-return]

    def said(self, document: object) -> Answer:
        return Answer(json.dumps(document).encode(), headers=self.usage)

    def _debug(self, asked: Asked, query: dict[str, str]) -> Answer:
        assert asked.headers.get("Authorization") == f"Bearer {APP}|{SECRET}" and query["input_token"] == TOKEN
        return self.said({"data": {"is_valid": True, "type": "PAGE", "scopes": self.scopes, **self.expires}})

    # ---- reading

    def _read(self, path: str, query: dict[str, str]) -> Answer:
        fields = parsed(query.get("fields", "id"))
        lists = {
            f"{PAGE}/feed": self.posts,
            f"{PAGE}/tagged": self.tagged,
            f"{ACCOUNT}/media": self.medias,
            f"{ACCOUNT}/tags": self.tags,
        }
        if path in lists:
            limit = int(query.get("limit", "25"))
            assert limit <= 100
            inner = sum(int(one.mods.get("limit", "25")) for one in fields if one.name == "comments")
            if limit * max(inner, 1) > self.heavy:
                raise _Refused(
                    refused(1, 500, message="Please reduce the amount of data you're asking for, then retry")
                )
            newest = sorted(lists[path], key=_written, reverse=True)
            return self.said(self._page(newest, fields, limit, query, linked=path != f"{ACCOUNT}/tags"))
        if path == "me":
            return self.said({"id": self.whose, "name": "Púpava"})
        if path == ACCOUNT and query.get("fields") == "id,username":
            return self.said({"id": ACCOUNT, "username": NAME})
        if path == ACCOUNT:
            return self.said(self._mention(fields))
        number, _, edge = path.partition("/")
        found = self._find(number)
        if not edge:
            return self.said(self._shown(found, fields))
        assert (found["kind"], edge) in _EDGES
        return self.said(self._edge(found, edge, fields, query))

    def _mention(self, fields: list[Wanted]) -> dict[str, Any]:
        (wanted,) = fields
        holds = {"mentioned_comment": self.mentioned, "mentioned_media": self.captions}[wanted.name]
        found = holds.get(wanted.mods["comment_id" if wanted.name == "mentioned_comment" else "media_id"])
        if found is None:
            raise _Refused(refused(100, subcode=33))
        return {wanted.name: self._shown(found | {"kind": wanted.name}, wanted.sub), "id": ACCOUNT}

    def _find(self, number: str) -> dict[str, Any]:
        if number == self.closed:
            raise _Refused(refused(10, 403))
        waiting = [*self.posts, *self.medias]
        while waiting:
            one = waiting.pop()
            if one["id"] == number:
                return one
            waiting += [*one.get("comments", []), *one.get("replies", [])]
        raise _Refused(refused(100, subcode=33))

    def _edge(self, found: dict[str, Any], edge: str, fields: list[Wanted], mods: Mapping[str, str]) -> dict[str, Any]:
        """Comments of a post are kept flat, answers among them; those on Instagram have theirs inside."""
        below = found.get(edge, [])
        if found["kind"] == "post" and mods.get("filter", "toplevel") == "toplevel":
            below = [one for one in below if "parent" not in one]
        if found["kind"] == "comment":
            whole = next(one for one in self.posts if found in one["comments"])
            below = [one for one in whole["comments"] if one.get("parent", {}).get("id") == found["id"]]
        if "since" in mods:
            assert found["kind"] in ("post", "comment"), "comments on Instagram cannot be asked for by time"
            below = [one for one in below if _written(one) >= int(mods["since"])]
        newest = found["kind"] == "media" or mods.get("order") == "reverse_chronological"
        limit = int(mods.get("limit", "25"))
        assert limit <= (100 if found["kind"] in ("post", "comment") else 50)
        return self._page(sorted(below, key=_written, reverse=newest), fields, limit, mods)

    def _page(
        self,
        found: list[dict[str, Any]],
        fields: list[Wanted],
        limit: int,
        mods: Mapping[str, str],
        linked: bool = True,
    ) -> dict[str, Any]:
        start = int(mods.get("after", "0"))
        shown = [self._shown(one, fields) for one in found[start : start + limit]]
        paging: dict[str, Any] = {"cursors": {"before": f"{start}", "after": f"{start + len(shown)}"}}
        if linked and len(found) > start + limit:
            paging["next"] = f"https://graph.elsewhere.example/v26.0/x?access_token={TOKEN}&after=canary"
        return {"data": shown, "paging": paging} if shown else {"data": []}

    def _shown(self, thing: dict[str, Any], fields: list[Wanted]) -> dict[str, Any]:
        kind, shown = thing["kind"], {"id": thing["id"]}
        for wanted in fields:
            if (kind, wanted.name) in _EDGES:
                edge = self._edge(thing, wanted.name, wanted.sub, wanted.mods)
                shown |= {wanted.name: edge} if edge["data"] else {}
                continue
            if (kind, wanted.name) == ("remark", "media"):
                whole = next(
                    one for one in self.medias if any(thing in (top, *top["replies"]) for top in one["comments"])
                )
                shown["media"] = self._shown(whole, wanted.sub)
                continue
            if wanted.name not in _PLAIN[kind]:
                raise _Refused(refused(100, message=f"(#100) Tried accessing nonexisting field ({wanted.name})"))
            if wanted.name in thing and not (wanted.name == "from" and self._is_hidden(thing)):
                shown[wanted.name] = thing[wanted.name]
        return shown

    def _is_hidden(self, thing: dict[str, Any]) -> bool:
        return not self.shows_names and thing["from"].get("id") not in (PAGE, ACCOUNT)

    # ---- answers

    def _create(self, path: str, sent: dict[str, str]) -> Answer:
        number, _, edge = path.partition("/")
        if path == f"{ACCOUNT}/mentions":
            assert sent["media_id"] in self.captions or sent["comment_id"] in self.mentioned
            self.answered.append((sent.get("comment_id") or sent["media_id"], sent["message"]))
            return self._receipt({"id": f"{9000 + len(self.answered)}"})
        found = self._find(number)
        made = self._remark(found, edge, sent) if found["kind"] == "remark" else self._comment(found, edge, sent)
        return self._receipt(self._shown(made, parsed(sent.get("fields", "id"))))

    def _receipt(self, document: object) -> Answer:
        return Answer(b"<html>oops</html>", 502) if self.drops_receipt else self.said(document)

    def _comment(self, found: dict[str, Any], edge: str, sent: dict[str, str]) -> dict[str, Any]:
        assert edge == "comments"
        if found.get("can_comment") is False:
            raise _Refused(refused(200, 403))
        if len(sent["message"]) > 8000:
            raise _Refused(refused(100))
        whole = found if found["kind"] == "post" else next(one for one in self.posts if found in one["comments"])
        below = {} if found is whole else {"parent": {"id": found["id"]}}
        number = f"{whole['id'].partition('_')[2]}_{900 + len(whole['comments'])}"
        whole["comments"].append(comment(number, sent["message"], 0, PAGE, **below))
        return whole["comments"][-1]  # type: ignore[no-any-return]

    def _remark(self, found: dict[str, Any], edge: str, sent: dict[str, str]) -> dict[str, Any]:
        assert edge == "replies" and "parent_id" not in found, "only comments on top are answered"
        if found["hidden"] or len(sent["message"]) > 2200:
            raise _Refused(refused(100, subcode=2207_033))
        made = remark(7000 + len(found["replies"]), sent["message"], 0, NAME, parent_id=found["id"])
        found["replies"].append(made)
        return made


@dataclass(frozen=True)
class Wanted:
    """One of the fields that are asked for: comments.limit(5){id,message}"""

    name: str
    mods: dict[str, str]
    sub: list[Wanted]


class _Refused(Exception):
    """With the answer that says so."""


def parsed(fields: str) -> list[Wanted]:
    found, rest = _parsed(fields)
    assert not rest, f"nothing is asked for like that: {rest}"
    return found


def _parsed(rest: str) -> tuple[list[Wanted], str]:
    found = []
    while match := re.match(r",?(\w+)((?:\.\w+\([^)]*\))*)", rest):
        rest, sub = rest[match.end() :], []
        if rest.startswith("{"):
            sub, rest = _parsed(rest[1:])
            assert rest.startswith("}")
            rest = rest[1:]
        found.append(Wanted(match[1], dict(re.findall(r"\.(\w+)\(([^)]*)\)", match[2])), sub))
    return found, rest


def refused(code: int, status: int = 400, *, subcode: int = 0, message: str = "(#1) canary", **more: Any) -> Answer:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "x", **more}
    error |= {"error_subcode": subcode} if subcode else {}
    return Answer(json.dumps({"error": error}).encode(), status)


def delivery(thing: str, account: str, *changes: tuple[str, dict[str, Any]]) -> tuple[bytes, dict[str, str]]:
    """A body, in ASCII as Meta sends it, and the header that signs it."""
    told = [{"field": name, "value": value} for name, value in changes]
    body = json.dumps({"object": thing, "entry": [{"id": account, "time": 1_795_000_000, "changes": told}]}).encode()
    return body, {"x-hub-signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def _written(thing: dict[str, Any]) -> float:
    written: str = thing.get("created_time") or thing["timestamp"]
    return datetime.strptime(written, "%Y-%m-%dT%H:%M:%S%z").timestamp()
