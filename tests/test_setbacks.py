"""Why an answer is not out is told to people in their own language; only what others said is quoted as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from monitor.contract import Connector, Moderated, Page, Receipt, ReplyRules
from monitor.errors import AuthError, BudgetSpent, NotFound, OutcomeUnknown, PermanentError, TemporaryError
from monitor.model import Decision, Mention
from monitor.options import Config, SlackOptions
from responders.approval import Rules, decide
from responders.asking import Asker
from responders.codes import CODES
from responders.mail.digest_work import _trouble
from responders.mail.letters import Desk, Waiting, _facts
from responders.notices import told
from responders.publish import Publisher
from responders.slack.cards import Showing, card
from responders.words import LANGUAGES, Words
from tests.made import NOON, mention, people
from tests.page_place import Place, Reader

READERS = [language for language in LANGUAGES if language != "en"]
BRATISLAVA = ZoneInfo("Europe/Bratislava")
RULES = Rules(people=people("jana"), grace=timedelta(0), check=lambda _draft, _text, _actor: ())
BUSY = TemporaryError("forum.example answers 503 Service Unavailable", cause="disturbed", words="forum.example: 503")
UNCLEAR = OutcomeUnknown("the line was cut")
OUT = Receipt(id="r1")
MODERATED = ReplyRules(kind="create", moderated=True)


@dataclass
class Shop:
    """A platform that takes an answer, or raises what it was given."""

    outcome: Receipt | Exception
    reply_rules: ReplyRules = MODERATED

    async def poll(self, cursor: str) -> Page:
        return Page()

    async def close(self) -> None:
        pass

    async def reply(self, mention: Mention, text: str, key: str) -> Receipt:
        return _of(self.outcome)


@dataclass
class Searched(Shop):
    """One that can be asked for an answer."""

    found: Exception | None = None

    async def find_reply(self, mention: Mention, text: str, key: str) -> Receipt | None:
        return None if self.found is None else _of(self.found)


@dataclass
class Hidden(Shop):
    """One that does not show the original."""

    async def fetch(self, mention: Mention) -> Mention | None:
        raise BUSY


@dataclass
class Vanishing(Shop):
    """One that shows the original only once."""

    asked: int = 0

    async def fetch(self, mention: Mention) -> Mention | None:
        self.asked += 1
        if self.asked > 1:
            raise BUSY
        return mention


@dataclass
class Moderating(Shop):
    reason: str = ""

    async def moderation(self, mention: Mention, receipt: Receipt) -> Moderated:
        return Moderated(state="refused", reason=self.reason)


class ReadOnly:
    """One that takes no answers, or not any more."""

    async def poll(self, cursor: str) -> Page:
        return Page()

    async def close(self) -> None:
        pass


def _of(outcome: Receipt | Exception) -> Receipt:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


TAKES_LESS = PermanentError("Shop does not take this answer: 422", cause="rejected", words="Shop: 422")
# what happens to an answer, and the cause that is kept after so many rounds of ten minutes
FATES: Mapping[str, tuple[Connector, int, str]] = {
    "busy": (Shop(BUSY), 1, "disturbed: forum.example: 503"),
    "busy for long": (Shop(BUSY), 30, "given_up: forum.example: 503"),
    "out of quota": (
        Shop(BudgetSpent("no more today", until=NOON + timedelta(days=1), now=NOON)),
        1,
        "quota",
    ),
    "refused": (Shop(TAKES_LESS), 1, "not_taken: Shop: 422"),
    "refused without a cause": (Shop(PermanentError("no")), 1, "not_taken: no"),
    "gone": (Shop(NotFound("Shop answers 404", cause="not_there", words="Shop: 404")), 1, "original_gone: Shop: 404"),
    "locked out": (Shop(AuthError("closed", cause="closed", words="Shop")), 1, "closed: Shop"),
    "mistaken": (Searched(RuntimeError("oops"), found=BUSY), 1, "disturbed: forum.example: 503"),
    "unclear": (Shop(UNCLEAR), 1, "no_look_up"),
    "unclear for long": (Searched(UNCLEAR, found=BUSY), 30, "not_found_out: forum.example: 503"),
    "unclear, not there": (Searched(UNCLEAR), 1, "absent"),
    "unclear, harmless": (Shop(UNCLEAR, ReplyRules(kind="overwrite")), 1, "harmless"),
    "unclear, another": (
        Searched(UNCLEAR, found=PermanentError("Another stands there", cause="answered")),
        1,
        "answered",
    ),
    "unread": (Hidden(OUT), 30, "unread: forum.example: 503"),
    "busy, then unread": (Vanishing(TemporaryError("busy")), 30, "unread: forum.example: 503"),
    "moderated": (Moderating(OUT, reason="Reklama"), 1, "moderated: Reklama"),
    "moderated without a word": (Moderating(OUT), 1, "moderated"),
    "by hand": (ReadOnly(), 1, "by_hand"),
}


async def befall(place: Place, fates: Mapping[str, tuple[Connector, int, str]]) -> dict[str, int]:
    """Let an approved answer of each meet its fate; returns their drafts."""
    drafts = {}
    for name, (connector, rounds, _) in fates.items():
        draft_id = place.draft(mention(len(drafts) + 1))
        drafts[name] = draft_id
        decision = Decision(draft_id=draft_id, rev=1, action="approve", actor="jana", via="page")
        decide(place.store.drafts, decision, RULES, place.now)
        publisher = Publisher(
            store=place.store, connectors={"shop": connector}, people=RULES.people, clock=lambda: place.now
        )
        for _ in range(rounds):
            await publisher.publish_due()
            place.now += timedelta(minutes=10)
            await publisher.look_up_due()
            await publisher.moderate_due()
    return drafts


def kept(place: Place, draft_id: int) -> tuple[str, str]:
    """The cause and the English words of what went wrong last."""
    matter = place.store.views.matter(draft_id)
    if matter.publication is not None and matter.publication.error:
        return matter.publication.cause, matter.publication.error
    return matter.history[-1].cause, matter.history[-1].reason


@pytest.mark.parametrize("name", FATES)
async def test_what_became_of_an_answer_is_kept_as_a_code(tmp_path: Path, name: str) -> None:
    async with Place(tmp_path) as place:
        [draft_id] = (await befall(place, {name: FATES[name]})).values()
        cause, message = kept(place, draft_id)
        assert cause == FATES[name][2] and message
        assert cause.partition(": ")[0] in CODES["cause"]


@pytest.mark.parametrize("name", ["busy", "refused", "unclear", "unread", "moderated without a word"])
async def test_no_english_of_ours_is_left_wherever_it_is_told(tmp_path: Path, name: str) -> None:
    async with Place(tmp_path) as place:
        [draft_id] = (await befall(place, {name: FATES[name]})).values()
        cause, message = kept(place, draft_id)
        for language in READERS:
            words = Words(language, BRATISLAVA)
            said = words.cause(cause, message)
            async with Reader(place, **{"Accept-Language": language}) as reader:
                await reader.sign_in()
                page = unescape((await reader.get(f"/drafts/{draft_id}")).html)
            assert said in page and message not in page
            assert not [told for told in letters(place, draft_id, words) if message in told]


def letters(place: Place, draft_id: int, words: Words) -> Iterator[str]:
    """What Slack, a mail about the draft and the digest tell."""
    matter, asking = place.store.views.matter(draft_id), place.store.asking.get(draft_id)
    showing = Showing(matter=matter, asking=asking, words=words, page="", slack_ids={}, now=place.now)
    yield json.dumps(card(showing).blocks, ensure_ascii=False)
    desk = Desk(words=words, page="", local=False, now=place.now)
    yield " ".join(_facts(Waiting(kind="card", matter=matter, asking=asking), desk))
    for one in place.store.highlights.troubled(5).shown:
        told = " ".join(map(str, _trouble(one, desk).facts))
        assert not one.error or words.cause(one.cause, one.error) in told
        yield told


@pytest.mark.parametrize("language", ["en", *READERS])
async def test_an_alert_says_why_and_quotes_nothing(tmp_path: Path, language: str) -> None:
    """It stays in the channel when the customer, whom a platform may quote, is erased."""
    words = Words(language, BRATISLAVA)
    async with Place(tmp_path) as place:
        asker = Asker(
            Config(slack=SlackOptions(bot_token="xoxb-1", app_token="xapp-1", channel="C1")),
            place.store,
            lambda: place.now,
        )  # type: ignore[arg-type]
        asker.catch_up()
        asker.step()
        await befall(place, {name: FATES[name] for name in ("refused", "moderated")})
        asker.step()
        due = place.store.messages.due("slack", place.now + timedelta(days=1), 50)
        said = [told(json.loads(one.body), words) for one in due if one.kind == "notice"]
        refused, moderated = (words.code("cause", cause) for cause in ("not_taken", "moderated"))
        assert [one for one in said if "422" in one or "Reklama" in one] == []
        assert [one.endswith(f": {refused}.") or one.endswith(f": {moderated}.") for one in said] == [True, True]


async def test_the_crash_of_a_try_is_told_in_the_readers_language(tmp_path: Path) -> None:
    async with Place(tmp_path) as place:
        draft_id = place.draft(mention(1))
        decision = Decision(draft_id=draft_id, rev=1, action="approve", actor="jana", via="page")
        assert place.store.publications.begin(decide(place.store.drafts, decision, RULES, NOON), RULES.people, NOON)
        place.store.publications.recover(NOON, NOON)
        assert kept(place, draft_id) == ("stopped", "stopped while posting")


async def test_whoever_is_erased_leaves_no_word_of_a_platform_behind(tmp_path: Path) -> None:
    """What a platform says of an answer may repeat it."""
    async with Place(tmp_path) as place:
        [draft_id] = (await befall(place, {"moderated": FATES["moderated"]})).values()
        row_id = place.store.drafts.get(draft_id).mention_id
        place.store.erasing.ask((row_id,), actor="jana", via="terminal", why="asked", now=place.now)
        while place.store.erasing.step(5, place.now):
            pass
        matter = place.store.views.matter(draft_id)
        assert matter.publication is None or "Reklama" not in matter.publication.cause
        assert not [entry for entry in matter.history if "Reklama" in entry.cause + entry.reason]
