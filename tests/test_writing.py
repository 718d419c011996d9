"""A language model beside the playbook: when its text stands, when the playbook's does, and what it may cost."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.model import Decision, Draft, Mention
from monitor.options import PolicyOptions
from monitor.store.corrections import Correction
from monitor.store.llm_use import Caps, LlmUse, Use
from monitor.store.sqlite import SqliteStore
from responders.approval import Rules, decide
from responders.words import Words
from tests.llm_platform import GOOD, KEY, Fault, LlmPlatform, Received
from tests.made import NOON, arrive, mention, people
from tests.writing_place import WritingPlace

DAY = "2026-11-21"


def rules(place: WritingPlace) -> Rules:
    return Rules(people=people("jana"), grace=timedelta(seconds=45), check=lambda _draft, _text, _actor: ())


def decided(place: WritingPlace, draft: Draft, action: str, **fields: Any) -> Draft:
    decision = Decision(draft_id=draft.id, rev=draft.rev, action=action, actor="jana", via="page", **fields)  # type: ignore[arg-type]
    return decide(place.store.drafts, decision, rules(place), place.now)


def says(**parts: str) -> LlmPlatform:
    return LlmPlatform(says=lambda _received: json.dumps(GOOD["sk"] | parts))


async def test_its_text_takes_the_playbooks_place_as_a_new_revision(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        [before] = await place.draft()
        assert (before.rev, before.author) == (1, "playbook")
        [draft] = await place.write()
        assert (draft.rev, draft.author, draft.state, draft.findings) == (2, "llm:small", "pending", ())
        # greeting, the case's number and the signature are the playbook's
        assert draft.text.startswith("Dobrý deň,\n\nospravedlňujeme sa, že zásielka")
        assert before.reference in draft.text and draft.text.endswith("Jana")
        assert [choice.why for choice in draft.choices][:3] == [("llm",)] * 3
        assert list(draft.parts) == ["apology", "interest", "solution"]
        history = place.store.views.matter(draft.id).history
        assert [(entry.action, entry.actor) for entry in history] == [("model_drafted", "ohlas")]
        assert place.store.llm_use.of_day(DAY) == Use(requests=1, tokens=(700, 80))
        assert Words("sk", place.writer._zone).written(draft).endswith("small")
        # once: neither this revision nor another is asked for again
        assert await place.writer.step() == 0 and len(place.platform.received) == 1


async def test_a_praise_is_written_in_its_own_parts(tmp_path: Path) -> None:
    parts = {
        "thanks": "Ďakujeme za milé slová.",
        "personal": "Teší nás, že ste s nákupom spokojná.",
        "invitation": "Tešíme sa na Vašu ďalšiu návštevu.",
    }
    platform = LlmPlatform(says=lambda _received: json.dumps(parts))
    async with WritingPlace(tmp_path, platform) as place:
        await place.draft(mention(text="Výborný obchod, rýchle dodanie, odporúčam všetkým!", rating=5.0))
        [draft] = await place.write()
        assert draft.author == "llm:small" and list(draft.parts) == list(parts)
        [received] = platform.received
        wanted = received.body["response_format"]["json_schema"]["schema"]["required"]
        assert wanted == list(parts)


@pytest.mark.parametrize(
    ("fault", "note"),
    [
        ("429", "busy"),
        ("500", "unreachable"),
        ("503", "unreachable"),
        ("400", "rejected"),
        ("401", "no_access"),
        ("404", "no_model"),
        ("hang", "timeout"),
        ("cut", "unreachable"),
        ("garbage", "nonsense"),
        ("truncated", "truncated"),
        ("refusal", "refused"),
    ],
)
async def test_whatever_fails_the_playbooks_text_stands_and_says_why(
    tmp_path: Path, fault: Fault, note: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with WritingPlace(tmp_path, LlmPlatform(fault=lambda _number: fault), {"timeout": 0.5}) as place:
        [before] = await place.draft()
        [draft] = await place.write()
        assert draft == replace(before, model_note=note)
        assert Words("en", place.writer._zone).written(draft).startswith("from the playbook (the ")
        assert KEY not in caplog.text and len(place.platform.received) == 1


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        ("", "nonsense"),
        ("Dobrý deň, mrzí nás to.", "nonsense"),
        ("I'm sorry, but I can't help with that.", "refused"),
        ('{"apology": "Mrzí nás to."}', "nonsense"),
        (json.dumps(GOOD["sk"] | {"note": "x"}), "nonsense"),
        (json.dumps(GOOD["sk"] | {"apology": 7}), "nonsense"),
        (json.dumps(GOOD["sk"] | {"apology": None}), "nonsense"),
        (json.dumps([GOOD["sk"]]), "nonsense"),
        ('{"apology": "a", "apology": "b", "interest": "c", "solution": "d"}', "nonsense"),
        ("[" * 100_000, "nonsense"),
        (json.dumps(GOOD["sk"] | {"interest": " \u200b "}), "empty"),
        (json.dumps(GOOD["sk"] | {"interest": "Záleží nám na Vás. " * 60}), "too_long"),
        (json.dumps(GOOD["sk"] | {"interest": "Záleží nám. " * 9_000}), "too_long"),
        (json.dumps(GOOD["hu"]), "wrong_language"),
        (
            json.dumps(GOOD["sk"] | {"interest": "Нам очень важно знать, что именно случилось с посылкой."}),
            "wrong_language",
        ),
        (json.dumps(GOOD["sk"] | {"interest": "**Záleží** nám na tom."}), "markup"),
        (json.dumps(GOOD["sk"] | {"interest": "Ako jazykový model neviem, čo sa stalo."}), "leak"),
        (json.dumps({name: "Áno, vybavíme." for name in GOOD["sk"]}), "guard: missing_part"),
        (json.dumps(GOOD["sk"] | {"solution": "Napíšte nám a hneď Vám vrátime peniaze."}), "guard: unapproved_promise"),
    ],
)
async def test_nonsense_is_refused(tmp_path: Path, answer: str, note: str) -> None:
    async with WritingPlace(tmp_path, LlmPlatform(says=lambda _received: answer)) as place:
        await place.draft()
        [draft] = await place.write()
        assert (draft.author, draft.rev, draft.model_note) == ("playbook", 1, note)
        assert place.store.llm_use.of_day(DAY).tokens == (700, 80)  # paid for all the same


async def test_small_habits_of_models_are_put_up_with(tmp_path: Path) -> None:
    answer = f"<think>What would {{they}} like?</think>\n```json\n{json.dumps(GOOD['sk'])}\n```"
    async with WritingPlace(tmp_path, LlmPlatform(says=lambda _received: answer), {"structured": "off"}) as place:
        await place.draft()
        [draft] = await place.write()
        assert draft.author == "llm:small"
        assert "response_format" not in place.platform.received[0].body


@pytest.mark.parametrize("structured", ["json_schema", "json_object", "off"])
async def test_every_way_of_asking_is_understood(tmp_path: Path, structured: str) -> None:
    async with WritingPlace(tmp_path, options={"structured": structured}) as place:
        await place.draft()
        [draft] = await place.write()
        assert draft.author == "llm:small" and not place.platform.refused


async def test_the_guard_goes_by_the_policy_of_the_matter(tmp_path: Path) -> None:
    refund = says(solution="Napíšte nám, prosím, a vrátime Vám peniaze.")
    policy = PolicyOptions(may_offer=("call_back", "refund"))
    async with WritingPlace(tmp_path, refund, config={"policy": policy}) as place:
        await place.draft()
        [draft] = await place.write()
        assert draft.author == "llm:small"
        assert "money back" in place.platform.received[0].system


async def test_after_a_429_nothing_is_asked_until_it_is_time(tmp_path: Path) -> None:
    platform = LlmPlatform(fault=lambda number: "429" if number <= 2 else "")
    async with WritingPlace(tmp_path, platform) as place:
        await place.draft(*(mention(number) for number in range(1, 6)))
        assert await place.writer.step() == 2
        place.now += timedelta(seconds=119)
        assert await place.writer.step() == 0 and len(platform.received) == 2
        place.now += timedelta(seconds=2)
        drafts = await place.write()
        assert sorted(draft.model_note or draft.author for draft in drafts) == ["busy", "busy", *["llm:small"] * 3]


async def test_the_days_tokens_are_a_cap_across_restarts(tmp_path: Path) -> None:
    platform = LlmPlatform(usage={"prompt_tokens": 2500, "completion_tokens": 400})
    async with WritingPlace(tmp_path, platform, {"tokens_per_day": 10_000}) as place:
        await place.draft(*(mention(number) for number in range(1, 7)))
        for _ in range(6):
            place.writer = place.new_writer()
            await place.writer.step()
            await place.writer.model.close()
        drafts = place.drafts()
        written = [draft for draft in drafts if draft.author != "playbook"]
        assert 1 <= len(written) == len(platform.received) <= 3
        assert {draft.model_note for draft in drafts if draft.author == "playbook"} == {"cap_tokens"}
        assert sum(place.store.llm_use.of_day(DAY).tokens) <= 10_000
        place.now += timedelta(days=1)
        await place.draft(mention(9))
        assert (await place.write())[-1].author == "llm:small"


async def test_the_days_money_is_a_cap(tmp_path: Path) -> None:
    options = {"price_in": 1000.0, "price_out": 1000.0, "spend_per_day": 3.0}
    async with WritingPlace(tmp_path, options=options) as place:
        await place.draft(*(mention(number) for number in range(1, 6)))
        drafts = await place.write()
        use = place.store.llm_use.of_day(DAY)
        assert use.requests == len(place.platform.received) >= 1 and use.cost == pytest.approx(0.78 * use.requests)
        assert use.cost <= 3.0 and "cap_spend" in {draft.model_note for draft in drafts}


async def test_without_a_count_of_its_own_the_endpoint_is_not_free(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path, LlmPlatform(fault=lambda _number: "no usage")) as place:
        await place.draft()
        await place.write()
        read, written = place.store.llm_use.of_day(DAY).tokens
        assert read > 400 and written > 40


async def test_what_may_have_been_written_for_nothing_is_counted(tmp_path: Path) -> None:
    platform = LlmPlatform(fault=lambda _number: "hang")
    async with WritingPlace(tmp_path, platform, {"timeout": 0.2, "max_tokens": 333}) as place:
        await place.draft()
        await place.write()
        assert place.store.llm_use.of_day(DAY).tokens[1] == 333


def test_two_processes_share_one_budget(tmp_path: Path) -> None:
    stores = [SqliteStore(tmp_path / "ohlas.db") for _ in range(2)]
    use, caps = Use(requests=1, tokens=(60, 40), cost=0.1), Caps(tokens=1000, cost=0.45)
    said = [store.llm_use.reserve(DAY, "small", use, caps) for _ in range(4) for store in stores]
    assert said == [""] * 4 + ["cap_spend"] * 4
    assert stores[0].llm_use.of_day(DAY) == Use(requests=4, tokens=(240, 160), cost=pytest.approx(0.4))
    assert isinstance(stores[1].llm_use, LlmUse)
    stores[1].llm_use.settle(DAY, "small", use, Use(requests=1, tokens=(10, 5), cost=0.01))
    assert stores[0].llm_use.of_day(DAY).tokens == (190, 125)
    for store in stores:
        store.close()


async def test_two_workers_never_ask_twice(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        await place.draft(*(mention(number) for number in range(1, 9)))
        other = place.new_writer()
        while sum(await asyncio.gather(place.writer.step(), other.step())):
            pass
        await other.model.close()
        assert {draft.author for draft in place.drafts()} == {"llm:small"}
        assert len(place.platform.received) == 8


async def test_what_a_person_has_touched_is_left_alone(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        drafts = await place.draft(*(mention(number) for number in range(1, 5)))
        edited = decided(place, drafts[0], "edit", text="Dobrý deň, ozveme sa.")
        approved = decided(place, drafts[1], "approve")
        undone = decided(place, decided(place, drafts[2], "approve"), "undo")
        until = place.now + timedelta(minutes=15)
        place.store.asking.claim(drafts[3].id, "jana", until, via="page", now=place.now)
        claimed = place.store.drafts.get(drafts[3].id)
        assert await place.write() == [edited, approved, undone, claimed] and not place.platform.received
        place.now += timedelta(minutes=16)
        assert [draft.author for draft in await place.write()] == ["jana", "playbook", "playbook", "llm:small"]


@pytest.mark.parametrize("action", ["approve", "edit", "claim"])
async def test_a_person_is_faster_than_the_model(tmp_path: Path, action: str) -> None:
    async with WritingPlace(tmp_path) as place:
        [draft] = await place.draft()

        def meanwhile(_received: Received) -> str:
            if action == "claim":
                place.store.asking.claim(draft.id, "jana", NOON + timedelta(days=1), via="page", now=place.now)
            else:
                decided(place, draft, action, text="Dobrý deň, ozveme sa Vám.")
            return json.dumps(GOOD["sk"])

        place.platform.says = meanwhile
        [after] = await place.write()
        assert (after.state, after.author) == {
            "approve": ("approved", "playbook"),
            "edit": ("pending", "jana"),
            "claim": ("pending", "playbook"),
        }[action]
        if action == "approve":
            assert after.text == draft.text and after.rev == 1


async def test_words_that_changed_meanwhile_are_not_answered(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        [_draft] = await place.draft()

        def meanwhile(_received: Received) -> str:
            arrive(place.store, mention(1, text="Už je to vybavené, ale balík bol rozbitý."))
            return json.dumps(GOOD["sk"])

        place.platform.says = meanwhile
        [after] = await place.write()
        assert (after.author, after.rev, after.model_note) == ("playbook", 1, "overtaken")


async def test_judged_again_the_models_text_stays(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        await place.draft()
        [draft] = await place.write()
        assert place.store.rescoring.send_back("another", None, 10).moved == 1
        [again] = await place.draft_again()
        assert (again.text, again.rev, again.author) == (draft.text, 2, "llm:small")
        assert again.findings == draft.findings
        # an edited text, or another label, is written anew: by the playbook, then by the model
        place.now += timedelta(minutes=1)
        arrive_at(place, mention(1, text="Balík neprišiel vôbec, čakám už tri týždne!"))
        [edited] = await place.draft_again()
        assert (edited.rev, edited.author, edited.model_note) == (3, "playbook", "")
        [written] = await place.write()
        assert (written.rev, written.author) == (4, "llm:small")
        hash_ = place.store.views.matter(draft.id).mention.content_hash
        place.store.corrections.correct(
            Correction(
                mention_id=draft.mention_id, content_hash=hash_, label="praise", actor="jana", via="page", at=place.now
            )
        )
        [relabelled] = await place.draft_again()
        assert (relabelled.rev, relabelled.author) == (5, "playbook") and "thanks" in relabelled.parts


def arrive_at(place: WritingPlace, wrote: Mention) -> None:
    from monitor.contract import Page

    place.store.mentions.save_page(wrote.source, Page(mentions=(wrote,)), None, place.now)


async def test_a_crash_while_it_writes_costs_one_try(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        [draft] = await place.draft()
        assert place.store.modelled.take(draft, place.now) and not place.store.modelled.take(draft, place.now)
        assert place.store.drafts.get(draft.id).model_note == "asked"
        assert place.store.modelled.recover() == 1
        [after] = await place.write()
        assert after.model_note == "interrupted" and not place.platform.received


async def test_approved_replies_are_examples_without_what_is_private(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        drafts = await place.draft(*(mention(number) for number in range(1, 4)))
        text = "Dobrý deň, mrzí nás to. K objednávke 4417820 sa ozveme na eva@mail.example, či pomoc@lipka.example."
        for draft in drafts[:2]:
            decided(place, decided(place, draft, "edit", text=f"{text} {draft.id}"), "approve")
        await place.write()
        [received] = place.platform.received
        lines = [line for line in received.system.splitlines() if line.startswith('- "Dobrý deň')]
        assert len(lines) == 2 and all("pomoc@lipka.example" in line for line in lines)
        assert "4417820" not in received.system and "eva@mail" not in received.system
        assert place.store.modelled.examples("cs", "complaint", 3) == []


async def test_a_mention_reaches_the_endpoint_without_what_is_private(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        wrote = "Balík 20261234 neprišiel, volajte 0905 123 456 alebo eva@mail.example, hrôza!"
        await place.draft(mention(text=wrote, author="Eva Malá"))
        await place.write()
        [received] = place.platform.received
        sent = json.dumps(received.body, ensure_ascii=False)
        assert not any(private in sent for private in ("20261234", "0905 123 456", "eva@mail", "Malá"))


async def test_the_endpoint_lists_its_models(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path) as place:
        assert await place.writer.model.models() == ["small"]  # type: ignore[attr-defined]
