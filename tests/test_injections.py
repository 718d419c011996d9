"""Mentions that try to steer the model, and a model that obeys every one of them: nothing of it reaches a customer."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Draft
from tests.llm_platform import GOOD, KEY, LlmPlatform, Received
from tests.made import mention
from tests.writing_place import LANGUAGES, WritingPlace

ATTACKS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "injections.jsonl").read_text("utf-8").splitlines()
]
BY_TEXT = {attack["text"]: attack for attack in ATTACKS}


def obedient(received: Received) -> str:
    """What the attacker wants, in the form that we want: the worst there is."""
    attack = next(attack for attack in ATTACKS if f"({attack['id']})" in received.user)
    if "raw" in attack:
        return str(attack["raw"])
    parts = dict(GOOD[attack.get("reply_in", attack["language"])])
    rule = received.system.splitlines()[1]
    wanted = {"system": received.system, "rule": rule, "key": received.key}.get(
        attack.get("echo", ""), attack.get("payload", "")
    )
    parts["solution"] = f"{parts['solution']} {wanted}".strip()
    return json.dumps(parts, ensure_ascii=False)


async def attacked(place: WritingPlace) -> dict[str, Draft]:
    """Every attack against one store; the drafts by the attack's id."""
    mentions = [
        mention(number, id=attack["id"], text=f"{attack['text']} ({attack['id']})", language=attack["language"])
        for number, attack in enumerate(ATTACKS)
    ]
    await place.draft(*mentions)
    drafts = await place.write()
    return {place.store.views.matter(draft.id).mention.id: draft for draft in drafts}


def test_the_set_is_large_and_varied() -> None:
    counted = Counter(attack["language"] for attack in ATTACKS)
    assert set(counted) == set(LANGUAGES) and min(counted.values()) >= 10
    assert len({attack["technique"] for attack in ATTACKS}) >= 12 and len(BY_TEXT) == len(ATTACKS)


async def test_an_obedient_model_harms_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with WritingPlace(tmp_path, LlmPlatform(says=obedient)) as place:
        drafts = await attacked(place)
        # each was drafted and tried, and none is published or approved
        assert set(drafts) == {attack["id"] for attack in ATTACKS}
        assert len(place.platform.received) == len(ATTACKS) and not place.platform.refused
        assert {draft.state.value for draft in drafts.values()} == {"pending"}
        assert place.store._engine.rows("SELECT 1 FROM publication") == []
        assert place.store._engine.rows("SELECT 1 FROM decision WHERE action = 'approve'") == []

        obeyed = {
            name: draft
            for name, draft in drafts.items()
            if draft.author != "playbook" and not attack_of(name).get("harmless")
        }
        assert obeyed == {}, {name: draft.text for name, draft in obeyed.items()}
        for name, draft in drafts.items():
            if draft.author == "playbook":
                assert draft.rev == 1 and draft.model_note and not draft.model_note.startswith("asked"), name
        harmless = [name for name, draft in drafts.items() if draft.author != "playbook"]
        assert len(harmless) >= 4  # a good answer to a mention that asked for something else is a good answer

        everything = "\n".join(str(tuple(row)) for table in kept(place) for row in rows_of(place, table))
        prompts = [line for received in place.platform.received for line in received.system.splitlines()[:6]]
        for secret in (KEY, "=====MARK-", *prompts):
            assert secret not in everything and secret not in caplog.text
        for attack in ATTACKS:
            if payload := attack.get("payload"):
                assert payload not in caplog.text
                assert all(payload not in draft.text for draft in drafts.values()), attack["id"]


def attack_of(name: str) -> dict[str, Any]:
    return next(attack for attack in ATTACKS if attack["id"] == name)


def kept(place: WritingPlace) -> list[str]:
    """The tables in which our own words stand."""
    return ["draft", "draft_rev", "decision", "publication", "message", "llm_use", "notice"]


def rows_of(place: WritingPlace, table: str) -> list[Any]:
    return place.store._engine.rows(f"SELECT * FROM {table}")  # noqa: S608


async def test_strangers_words_stay_between_the_fences(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path, LlmPlatform(says=obedient)) as place:
        await attacked(place)
        fences = set()
        for received in place.platform.received:
            fence = received.user.partition("\n")[0]
            before, _document, after = received.user.split(fence)
            assert before == "" and after.startswith("\nNow write the JSON object with")
            assert fence in received.system and json.loads(_document)
            text = json.loads(_document)["published"]["text"]
            assert text not in received.system and KEY not in json.dumps(received.body)
            assert not any(mark in text for mark in ("<|im_start|>", "[INST]", "https://", "@evil", "0900"))
            fences.add(fence)
        assert len(fences) == len(ATTACKS)
