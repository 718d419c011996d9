"""Why a source cannot be read is told to people in their own language; only what others said is quoted as it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors import rss
from connectors.rss import Settings
from monitor.budgets import Budget, Day
from monitor.contract import Connector, Page
from monitor.digest.facts import SourceLine
from monitor.errors import AuthError, BudgetSpent, PermanentError, SourceError, TemporaryError
from monitor.http import Http
from monitor.ledger import Ledger
from monitor.polling import Poller
from responders.codes import CODES
from responders.mail.digest_work import _source
from responders.notices import told
from responders.words import LANGUAGES, Words
from tests.loopback import LOOPBACK, Answer, Loopback
from tests.made import NOON
from tests.page_place import Place, Reader

ROOT = Path(__file__).parent.parent
READERS = [language for language in LANGUAGES if language != "en"]
BRATISLAVA = ZoneInfo("Europe/Bratislava")
WEB_PAGE = b"<!doctype html><html><body><h1>Obchod</h1></body></html>"
# what a server may do to us, by the path that is asked for; all of them together are one poll each
SERVED = {
    "/401": (Answer(status=401), "refused"),
    "/404": (Answer(status=404), "not_there"),
    "/418": (Answer(status=418), "rejected"),
    "/429": (Answer(status=429, headers={"Retry-After": "60"}), "too_often"),
    "/503": (Answer(b"<h1>Service Unavailable</h1>", status=503), "disturbed"),
    "/cut": (Answer(b"<rss" * 50, cut=True), "no_answer"),
    "/empty": (Answer(), "nonsense"),
    "/page": (Answer(WEB_PAGE, headers={"Content-Type": "text/html"}), "no_feed"),
    "/round": (Answer(status=302, headers={"Location": "/round"}), "redirects"),
    "/large": (Answer(b"x" * 200_000), "too_large"),
    "/packed": (Answer(b"no gzip", headers={"Content-Encoding": "gzip"}), "cut_off"),
    "/slow": (Answer(hang=True), "slow"),
}


class Fails:
    """A source that raises what it was given."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def poll(self, cursor: str) -> Page:
        raise self.error

    async def close(self) -> None:
        pass


def raised() -> dict[str, tuple[Exception, str]]:
    """What connectors raise of themselves, with its cause."""
    return {
        "key": (AuthError("Forum refuses the key", cause="refused", words="Forum"), "refused"),
        "spent": (BudgetSpent("forum may use no more", until=NOON + timedelta(hours=9), now=NOON), "quota"),
        "bug": (RuntimeError("oops"), "bug"),
    }


async def polled(place: Place, connectors: dict[str, Connector], http: Http | None = None) -> None:
    place.store.sources.configure(dict.fromkeys(connectors, "rss"), NOON)
    poller = Poller(
        store=place.store,
        connectors=connectors,
        intervals=dict.fromkeys(connectors, 900.0),
        clock=lambda: place.now,
        arrived=lambda number: None,
    )
    await poller.read_due()
    for connector in connectors.values():
        await connector.close()


async def test_no_english_of_ours_is_left_in_how_the_sources_fare(tmp_path: Path) -> None:
    async with (
        Place(tmp_path) as place,
        Loopback(lambda asked: SERVED[asked.path][0]) as server,
        Http(allow_private=LOOPBACK, total=0.5, max_body=100_000) as http,
    ):
        settings = {path: Settings(kind="rss", url=server.url(path)) for path in SERVED}
        connectors: dict[str, Connector] = {path: rss.connect(one, http) for path, one in settings.items()}
        connectors["gone"] = rss.connect(Settings(kind="rss", url="http://127.0.0.1:1/feed"), http)
        connectors |= {name: Fails(error) for name, (error, _) in raised().items()}
        await polled(place, connectors)
        states = {one.name: one for one in place.store.sources.all()}
        causes = {name: cause for name, (_, cause) in {**SERVED, **raised()}.items()} | {"gone": "no_answer"}
        assert {name: one.cause.partition(": ")[0] for name, one in states.items()} == causes
        english = {one.last_error for one in states.values()}
        for language in READERS:
            words = Words(language, BRATISLAVA)
            async with Reader(place, **{"Accept-Language": language}) as reader:
                await reader.sign_in()
                page = unescape((await reader.get("/sources")).html)
            assert not [message for message in english if message in page]
            assert not [message for message in CODES["cause"].values() if message in page]
            for one in states.values():
                assert words.cause(one.cause, one.last_error) in page
        for health in place.store.highlights.sources():
            shown = " ".join(_source(SourceLine(health=health, mentions=0, usual=None), Words("sk", BRATISLAVA)).facts)
            assert health.error not in shown


@pytest.mark.parametrize("language", ["en", *READERS, "de", "pl"])
def test_what_others_said_is_quoted_after_it(language: str) -> None:
    words = Words(language, BRATISLAVA)
    error = PermanentError("Forum refuses it: InvalidThing", cause="rejected", words="Forum: InvalidThing")
    said = words.cause("rejected: Forum: InvalidThing", str(error))
    if language == "en":
        assert said == str(error)
    else:
        assert said.endswith(" (Forum: InvalidThing)") and "refuses" not in said
    notice = {"code": "unreachable", "source": "forum", "text": str(error), "cause": "slow"}
    assert (str(error) in told(notice, words)) == (language == "en")


def test_what_was_stored_without_a_code_is_shown_as_it_is() -> None:
    words = Words("hu", BRATISLAVA)
    assert words.cause("", "503 of old") == words.cause("of another version", "503 of old") == "503 of old"


def test_an_error_without_a_cause_has_that_of_its_class_and_quotes_itself() -> None:
    for kind, usual in ((TemporaryError, "passing"), (PermanentError, "lasting"), (AuthError, "refused")):
        error: SourceError = kind("the bot has a webhook")
        assert (error.cause, error.words) == (usual, "the bot has a webhook")


@pytest.mark.parametrize(("language", "much"), [("sk", "10 000 jednotiek za deň"), ("hu", "10 000 egység naponta")])
async def test_a_quota_is_told_in_the_readers_language(tmp_path: Path, language: str, much: str) -> None:
    async with Place(tmp_path) as place:
        quota = Budget(account="youtube:1f2e", name="units", unit="units", limit=10_000, window=Day())
        place.store.budgets.configure({quota: ["videos"]})
        ledger = Ledger(clock=lambda: place.now)
        ledger.meter(quota).take(10_000, writing=True)
        place.store.budgets.record(ledger.unwritten(), place.now)
        [notice] = place.store.sources.notices()
        said = told(asdict(notice), Words(language, BRATISLAVA)).replace("\xa0", " ")
        assert said.endswith(f"videos: {much}")


def causes_in_the_code() -> Iterator[str]:
    for path in (*(ROOT / "monitor").glob("*.py"), *(ROOT / "connectors").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "cause" and isinstance(node.value, ast.Constant):
                yield str(node.value.value)


def test_every_cause_is_in_words() -> None:
    named = set(causes_in_the_code()) - {""}
    assert named <= set(CODES["cause"]) and len(named) > 20
    classes = {kind.usual for kind in (SourceError, TemporaryError, PermanentError, AuthError)}
    assert classes <= set(CODES["cause"])
