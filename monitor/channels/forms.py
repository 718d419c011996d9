"""The contact form of a page: whether there is one that a customer can write into, and where it sends. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from monitor.channels.reading import Reading
from monitor.liveness import Seen

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_WRITTEN_INTO = ("", "text", "email", "tel", "url", "search")  # types of input that take words
_NO_CONTACT = {"q", "s", "search", "query", "hladat", "hledat"}  # names of fields that search


@dataclass(frozen=True, slots=True)
class Form:
    """`action`: where it sends, "" where a script or a mail program takes over."""

    fields: frozenset[str]
    writes: int  # fields that take words
    long: bool  # one of them takes many
    password: bool
    action: str

    @property
    def is_contact(self) -> bool:
        """Not a search, a login or a newsletter."""
        searches = self.writes == 1 and bool(self.fields & _NO_CONTACT)
        return not (self.password or searches) and (self.long or self.writes > 1)


def find_form(page: Reading, wanted: Collection[str]) -> Form | Seen:
    """The form with the `wanted` fields, or the one that looks most like a contact form; else why there is none."""
    forms = [_form(node, page) for node in page.tree.css("form")]
    if not forms:
        hidden = page.has_foreign_form or page.is_drawn_by_scripts
        return Seen("unsure", "form_by_script") if hidden else Seen("broken", "no_form")
    if wanted:
        found = max(forms, key=lambda form: len(form.fields & set(wanted)))
        missing = [name for name in wanted if name not in found.fields]
        return Seen("broken", "no_field", ", ".join(missing)) if missing else found
    contact = [form for form in forms if form.is_contact]
    if contact:
        return max(contact, key=lambda form: (form.long, form.writes))
    if page.has_foreign_form:
        return Seen("unsure", "form_by_script")
    return Seen("broken", "no_form" if any(form.writes for form in forms) else "form_empty")


def _form(node: LexborNode, page: Reading) -> Form:
    inputs = node.css("input,textarea,select")
    types = [(one.tag, (one.attributes.get("type") or "").lower()) for one in inputs]
    long = any(tag == "textarea" for tag, _ in types)
    return Form(
        fields=frozenset(name for one in inputs if (name := one.attributes.get("name") or "")),
        writes=sum(tag == "textarea" or (tag == "input" and kind in _WRITTEN_INTO) for tag, kind in types),
        long=long,
        password=("input", "password") in types,
        action=_action(node, page),
    )


def _action(node: LexborNode, page: Reading) -> str:
    """Without its anchor; the page itself where the form names nothing."""
    written = (node.attributes.get("action") or "").strip()
    try:
        target = urlsplit(urljoin(page.base, written)) if written else urlsplit(page.url)
    except ValueError:
        return ""
    return target._replace(fragment="").geturl() if target.scheme in ("http", "https") else ""
