"""Templates of mails, filled with text that is never taken for markup, and compiled to what mail programs show."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES: Final = Path(__file__).parent / "templates"
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # not in XML


def compiled(template: str, **values: object) -> str:
    """The HTML of a template of MJML."""
    from mjml import mjml2html

    source = _environment().get_template(template).render(**values)
    # no fonts from elsewhere: whoever serves them would learn when a mail is read
    return mjml2html(writable(source), disable_comments=True, fonts={})


def writable(text: str) -> str:
    """Without what neither XML nor a mail can hold."""
    return _UNWRITABLE.sub("", text)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    built = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )
    built.filters["lines"] = _lines
    return built


def _lines(text: str) -> Markup:
    """With line breaks that every mail program shows."""
    from markupsafe import Markup

    return Markup("<br />").join(text.split("\n"))
