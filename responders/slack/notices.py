"""Short messages in Slack: what went wrong, what is urgent, who is reminded. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.store.messages import Message
from responders.notices import told
from responders.slack.blocks import Block, context, cut, escaped, link
from responders.slack.cards import Card, Showing
from responders.words import Words

_SHOWN = 20  # notices in one message


def notice(batch: Sequence[Message], words: Words, page: str) -> Card:
    """One message for all that happened since the last one."""
    blocks: list[Block] = []
    lines: list[str] = []
    for message in batch[:_SHOWN]:
        line = told(json.loads(message.body), words)
        lines.append(line)
        blocks.append(context(cut(line, 600)))
        if page and message.draft_id is not None:
            blocks.append(link(words.say("Open on the page"), f"{page}/drafts/{message.draft_id}"))
    if len(batch) > _SHOWN:
        blocks.append(context(words.say("and %(number)s more", number=words.number(len(batch) - _SHOWN))))
    return Card(blocks=blocks, text=escaped(cut(" · ".join(lines), 3000)))


def history(batch: Sequence[Message], words: Words) -> Card:
    """Lines of the audit list, as they stand under the card."""
    lines = [_line(json.loads(message.body), words) for message in batch]
    return Card(blocks=[context(cut(line, 600)) for line in lines[:_SHOWN]], text=escaped(cut(" · ".join(lines), 3000)))


def _line(body: Mapping[str, Any], words: Words) -> str:
    said = f"{body['actor']}: {words.code('action', str(body['action']))}"
    why = f" ({words.why(str(body['reason']), str(body.get('cause', '')))})" if body["reason"] else ""
    return f"{said}{why} · {words.say('revision %(rev)s', rev=body['rev'])}"


def call(kind: str, body: Mapping[str, Any], showing: Showing) -> Card:
    """A reminder or an escalation, with the people it is for: their ids are ours, so a mention of them is safe."""
    words, draft = showing.words, showing.matter.draft
    people = [str(name) for name in body.get("people", ())]
    said = words.say("A draft is waiting for you.") if kind == "reminder" else words.say("A draft is overdue.")
    due = (
        words.say("due by %(moment)s", moment=words.minute(showing.asking.answer_by))
        if showing.asking.answer_by
        else ""
    )
    users: list[Block] = []
    for name in people:
        member = showing.slack_ids.get(name, "")
        users.append({"type": "user", "user_id": member} if member else {"type": "text", "text": name})
        users.append({"type": "text", "text": " "})
    text = f"{draft.reference}: {said} {due}".strip()
    elements: list[Block] = [*users, {"type": "text", "text": text}]
    blocks: list[Block] = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]
    if showing.address:
        blocks.append(link(words.say("Open on the page"), showing.address))
    return Card(blocks=blocks, text=escaped(text))
