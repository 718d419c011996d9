"""Slack's building blocks, cut to Slack's limits. Untrusted text goes into plain_text and rich_text alone, where
nothing is markup; see https://docs.slack.dev/reference/block-kit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Block = dict[str, Any]

SECTION = 2900  # characters; 3,000 are allowed, and an emoji may count for more
BUTTON, CONFIRM_TITLE, CONFIRM_TEXT, MODAL_TITLE = 75, 100, 300, 24
INPUT = 3000  # characters of a text field; longer replies are edited on the page


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def plain(text: str, most: int = SECTION) -> Block:
    """A text object; Slack refuses empty ones."""
    return {"type": "plain_text", "text": cut(text, most) or "–", "emoji": False}


def section(text: str) -> Block:
    return {"type": "section", "text": plain(text)}


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [plain(text) for text in texts if text][:10]}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, 150)}


def rich_text(kind: str, text: str, most: int = SECTION) -> Block:
    """`kind` is "rich_text_quote", "rich_text_section" or "rich_text_preformatted"; the text is shown as it is."""
    return {
        "type": "rich_text",
        "elements": [{"type": kind, "elements": [{"type": "text", "text": cut(text, most) or "–"}]}],
    }


def link(label: str, url: str, bold: bool = False) -> Block:
    element: Block = {"type": "link", "url": url[:3000], "text": cut(label, 200)}
    if bold:
        element["style"] = {"bold": True}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [element]}]}


def button(action_id: str, text: str, value: str, style: str = "", confirm: Block | None = None) -> Block:
    """`style` is "", "primary" or "danger"."""
    found: Block = {"type": "button", "action_id": action_id, "text": plain(text, BUTTON), "value": value}
    if style:
        found["style"] = style
    if confirm:
        found["confirm"] = confirm
    return found


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    return {
        "title": plain(title, CONFIRM_TITLE),
        "text": plain(text, CONFIRM_TEXT),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }


def menu(action_id: str, placeholder: str, options: Iterable[tuple[str, str]]) -> Block:
    """`options` are pairs of value and what people read, at most a hundred."""
    return {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(placeholder, 150),
        "options": [option(value, text) for value, text in list(options)[:100]],
    }


def option(value: str, text: str) -> Block:
    return {"text": plain(text, BUTTON), "value": value}


def actions(block_id: str, *elements: Block) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def text_input(action_id: str, label: str, *, value: str = "", long: bool = False, optional: bool = False) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": action_id, "multiline": long, "max_length": INPUT}
    if value:
        element["initial_value"] = value[:INPUT]
    return {"type": "input", "block_id": action_id, "label": plain(label), "element": element, "optional": optional}


def choice_input(action_id: str, label: str, options: Iterable[tuple[str, str]]) -> Block:
    element = menu(action_id, label, options)
    return {"type": "input", "block_id": action_id, "label": plain(label), "element": element}


def modal(callback_id: str, title: str, submit: str, close: str, blocks: list[Block], metadata: str) -> Block:
    return {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, MODAL_TITLE),
        "submit": plain(submit, MODAL_TITLE),
        "close": plain(close, MODAL_TITLE),
        "private_metadata": metadata,
        "blocks": blocks,
    }


def escaped(text: str) -> str:
    """For the top-level `text` of a message, the one place where Slack reads markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
