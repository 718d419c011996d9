"""Templates into HTML. Every value is escaped; nothing that a customer wrote can become markup."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from responders.words import LANGUAGES, Words

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
STATIC = HERE / "static"


def render(template: str, words: Words, values: Mapping[str, Any]) -> str:
    speech = {"words": words, "_": words.say, "ngettext": words.count}
    return environment().get_template(template).render(speech | dict(values))


@cache
def environment() -> Environment:
    """Built at the first page, so that starting does not wait for it; each template is compiled once."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    built = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    built.globals |= {"languages": LANGUAGES, "static": static_address}
    built.filters |= {"web_address": web_address, "site": site, "stars": stars}
    return built


@cache
def static_address(name: str) -> str:
    """With a mark of the content, so that browsers may keep the file for ever."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={mark}"


def web_address(url: str) -> str:
    """The address if a browser may follow it, else "": `javascript:` and the like never become links."""
    return url if site(url) else ""


def site(url: str) -> str:
    """The host of a web address, for people; "" for anything that is not one."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def stars(rating: float) -> str:
    full = max(0, min(5, round(rating)))
    return "★" * full + "☆" * (5 - full)
