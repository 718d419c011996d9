"""The promises that every connector keeps, as tests; the faults are derived from one good recording.

A connector's test is a subclass that names its `kind`, `settings` and one `recording` made up by us:

    class TestRss(ConnectorContract):
        kind = "rss"
        settings = {"url": "https://forum.example/feed.xml"}
        recording = b"<rss>…"
        entry = rb"<item>.*?</item>"
        phrase = b"words inside one entry's text"
        bad_entry = b"<item></item>"
        exempt = {"deleted": "feeds announce no deletions"}

`JsonContract` is for answers in JSON, `SignedInContract` for those where a token has to be got first.
`FileContract` and `ReceiveContract` feed the same faults through a file, or as something that was sent to us.
What cannot happen to a connector is listed in `exempt`, with the reason in words.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.budgets import CanBudget
from monitor.contract import CanReceive, CanReply, Connector, Page
from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.model import Mention
from monitor.text import LIMIT
from tests.loopback import Answer, Asked, Loopback, LoopbackHttp
from tests.odd import spoiled

HTML = b"<!DOCTYPE html><html><head><title>Oops</title></head><body><p>Something went wrong.</p></body></html>"
NONSENSE = {"empty": b"", "brace": b"{", "html": HTML, "types": b'{"items": 5, "version": []}', "nul": b"\0" * 64}
HUGE = 16 * 2**20  # bytes; more than any answer may have


class ConnectorContract:
    """For connectors that ask over HTTP. Every test runs against a real server on 127.0.0.1."""

    kind: ClassVar[str]
    settings: ClassVar[Mapping[str, Any]] = {}
    secrets: ClassVar[tuple[str, ...]] = ()  # as they stand in `settings`: they may be seen nowhere
    recording: ClassVar[bytes]
    headers: ClassVar[Mapping[str, str]] = {}  # of the good answer
    entry: ClassVar[bytes]  # a regular expression that finds whole entries of the recording
    separator: ClassVar[bytes] = b""  # between two entries: b"," in JSON
    bad_entry: ClassVar[bytes]  # one that nothing can be made of
    phrase: ClassVar[bytes]  # stands once in the recording, in the text of one entry
    nonsense: ClassVar[Mapping[str, bytes]] = {}  # bodies of the right format with the wrong types
    uncounted: ClassVar[str] = "^$"  # a regular expression for paths that are part of no quota
    exempt: ClassVar[Mapping[str, str]] = {}  # case -> why it cannot happen

    # ---- how an answer reaches the connector; other kinds of connectors override this part

    @pytest.fixture(autouse=True)
    async def _stage(self, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[None]:
        self._excuse(request.node.name.removeprefix("test_").partition("[")[0])
        self.folder = tmp_path
        async with Loopback() as self.server, LoopbackHttp(self.server.origin, total=self._patience(request)) as http:
            self.http = http
            yield

    async def read(self, answer: Answer, cursor: str = "") -> Page:
        """One poll, as the service does it, with the source answering `answer`."""
        self.server.answer = answer
        async with self.connector() as connector:
            return await connector.poll(cursor)

    # ---- tools

    def _excuse(self, case: str) -> None:
        if case in self.exempt:
            assert self.exempt[case].strip(), f"{case}: an exemption needs words"
            pytest.skip(self.exempt[case])

    def _patience(self, request: pytest.FixtureRequest) -> float:
        return 0.3 if "timeout" in request.node.name else 20.0

    @asynccontextmanager
    async def connector(self) -> AsyncIterator[Connector]:
        module = importlib.import_module(f"connectors.{self.kind}")
        settings = module.Settings(kind=self.kind, name="tested", base=self.folder, **self.settings)
        connector: Connector = module.connect(settings, self.http)
        try:
            yield connector
        finally:
            await connector.close()

    def good(self) -> Answer:
        return Answer(self.recording, headers=self.headers)

    def spoiled(self, body: bytes) -> Answer:
        return Answer(body, headers=self.headers)

    def entries(self) -> list[bytes]:
        found = [match[0] for match in re.finditer(self.entry, self.recording, re.DOTALL)]
        assert len(found) >= 2, "the recording needs two entries at least"
        return found

    def with_first_entry(self, replacement: bytes) -> Answer:
        first = self.entries()[0]
        tail = b"" if replacement else self.separator
        return self.spoiled(self.recording.replace(first + tail, replacement, 1))

    def with_phrase(self, replacement: bytes) -> Answer:
        assert self.recording.count(self.phrase) == 1
        return self.spoiled(self.recording.replace(self.phrase, replacement))

    async def failure(self, answer: Answer) -> SourceError:
        with pytest.raises(SourceError) as caught:
            await self.read(answer)
        self.keeps_secrets(str(caught.value))
        return caught.value

    def keeps_secrets(self, shown: str) -> None:
        for secret in self.secrets:
            assert secret not in shown

    # ---- the promises

    async def test_good(self) -> None:
        page = await self.read(self.good())
        assert len(page.mentions) == len(self.entries())
        assert not page.skipped
        self.well_formed(page)

    def well_formed(self, page: Page) -> None:
        ids = [mention.id for mention in page.mentions]
        assert len(ids) == len(set(ids))
        for mention in page.mentions:
            assert mention.id and mention.source == "tested"
            assert mention.text.strip() or mention.title.strip()
            assert mention.created_at.utcoffset() is not None
            assert mention.url.startswith(("https://", "http://", "")) and "\n" not in mention.url
            assert mention.rating is None or 1 <= mention.rating <= 5
            self.keeps_secrets(repr(mention))
        self.keeps_secrets(page.cursor)

    async def test_replay(self) -> None:
        first = await self.read(self.good())
        again = await self.read(self.good())
        assert [m.id for m in again.mentions] == [m.id for m in first.mentions]
        assert [m.content_hash for m in again.mentions] == [m.content_hash for m in first.mentions]
        later = await self.read(self.good(), first.cursor)
        assert {m.id for m in later.mentions} <= {m.id for m in first.mentions}

    async def test_corrupt_cursor(self) -> None:
        for cursor in ("nonsense", "{", "[]", "null", '{"etag": 5, "hash": []}', '"\\ud800"', "\0"):
            page = await self.read(self.good(), cursor)
            assert page.mentions

    async def test_duplicates(self) -> None:
        first = self.entries()[0]
        page = await self.read(self.with_first_entry(first + self.separator + first))
        assert len(page.mentions) == len(self.entries())
        self.well_formed(page)

    async def test_rate_limited(self) -> None:
        error = await self.failure(Answer(status=429, headers={"Retry-After": "120"}))
        assert isinstance(error, TemporaryError) and error.retry_after == 120
        date = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
        error = await self.failure(Answer(status=429, headers={"Retry-After": date}))
        assert isinstance(error, TemporaryError) and error.retry_after and 60 < error.retry_after <= 120

    async def test_server_error(self) -> None:
        for status in (500, 502, 503, 504):
            self.server.asked.clear()
            error = await self.failure(Answer(HTML, status=status, headers={"Content-Type": "text/html"}))
            assert isinstance(error, TemporaryError)
            assert len(self.server.asked) == 1, "connectors do not try again by themselves"

    async def test_unauthorised(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for status in (401, 403):
            error = await self.failure(Answer(HTML, status=status))
            assert isinstance(error, AuthError)
        self.keeps_secrets(caplog.text)

    async def test_nonsense(self) -> None:
        for name, body in (NONSENSE | dict(self.nonsense)).items():
            await self.survives(self.spoiled(body), name)
            await self.survives(Answer(body, headers={"Content-Type": "text/html"}), name)

    async def survives(self, answer: Answer, name: str = "") -> None:
        """A SourceError, or nothing but skipped entries."""
        try:
            page = await self.read(answer)
        except SourceError as error:
            assert str(error), name
            self.keeps_secrets(str(error))
        else:
            assert not page.mentions and page.skipped, name

    async def test_bad_entry(self) -> None:
        page = await self.read(self.with_first_entry(self.bad_entry))
        assert len(page.mentions) == len(self.entries()) - 1
        assert len(page.skipped) == 1 and page.skipped[0].strip()
        self.well_formed(page)

    async def test_deleted(self) -> None:
        before = await self.read(self.good())
        after = await self.read(self.with_first_entry(b""), before.cursor)
        absent = {m.id for m in before.mentions} - {m.id for m in after.mentions}
        assert absent and set(after.gone) <= absent

    async def test_huge(self) -> None:
        started = time.process_time()
        assert isinstance(await self.failure(self.with_phrase(self.phrase + b"a" * HUGE)), SourceError)
        assert time.process_time() - started < 10

    async def test_long_text(self) -> None:
        page = await self.read(self.with_phrase(self.phrase + b" abc" * 75_000))
        assert len(page.mentions) == len(self.entries())
        assert all(len(m.text) <= LIMIT and len(m.title) <= LIMIT for m in page.mentions)

    async def test_invisible(self) -> None:
        page = await self.read(self.with_phrase(self.phrase + "\u202eabc\u2066 &lt;script&gt;".encode()))
        for mention in page.mentions:
            assert not set(mention.text + mention.title + mention.author) & set("\0\u202e\u2066\r")

    async def test_cut_off(self) -> None:
        error = await self.failure(Answer(self.recording, headers=self.headers, cut=True))
        assert isinstance(error, TemporaryError)

    async def test_cancelled(self) -> None:
        poll = asyncio.create_task(self.read(Answer(hang=True)))
        await self.server.arrived.wait()
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
        assert len(self.server.asked) == 1

    async def test_timeout(self) -> None:
        assert isinstance(await self.failure(Answer(hang=True)), TemporaryError)

    async def test_counted(self) -> None:
        """What is taken of a quota is what the platform was asked, whatever it answered."""
        async with self.connector() as connector:
            shares = connector.budgets if isinstance(connector, CanBudget) else {}
            spread = [budget for budget, share in shares.items() if share and budget.unit != "USD"]
            if not spread:
                pytest.skip(f"{self.kind} spreads its polls over no quota")
            before = {budget: self.http.ledger.taken(budget) for budget in spread}
            self.server.asked.clear()
            for answer in (self.good(), Answer(HTML, status=401), Answer(HTML, status=500), self.good()):
                self.server.answer = answer
                with suppress(SourceError):
                    await connector.poll("")
            asked = [one.path for one in self.server.asked if not re.search(self.uncounted, one.path)]
            taken = {budget.name: self.http.ledger.taken(budget) - before[budget] for budget in spread}
            assert {*taken.values()} - {0} == {len(asked)}, (taken, asked)  # 0: of lists that are not read here

    async def test_reply_timeout(self) -> None:
        mention = (await self.read(self.good())).mentions[0]
        async with self.connector() as connector:
            if not isinstance(connector, CanReply) or connector.reply_rules.kind == "manual":
                pytest.skip(f"{self.kind} posts no replies of its own")
            self.server.asked.clear()
            await self.unknown_after(connector, mention, Answer(hang=True))
            await self.unknown_after(connector, mention, Answer(b'{"id": "1"}', cut=True))
            await self.unknown_after(connector, mention, Answer(HTML, status=502))
            assert len(self.server.asked) == 3, "a reply is one request, whatever comes back"

    async def unknown_after(self, connector: CanReply, mention: Mention, answer: Answer) -> None:
        self.server.answer = answer
        with pytest.raises(OutcomeUnknown):
            await connector.reply(mention, "Ďakujeme, ozveme sa.", "key-1")


class JsonContract(ConnectorContract):
    """For connectors that are answered in JSON."""

    separator = b","
    names: ClassVar[tuple[str, ...]] = ()  # that an entry may have, beyond those in the recording

    @settings(suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow], max_examples=25)
    @given(drawn=st.data())
    async def test_anything_in_entries(self, drawn: st.DataObject) -> None:
        """Whatever stands in some entries, they become sound mentions or none, and the others are read."""
        one_like_the_first = spoiled(json.loads(self.entries()[0]), self.names)
        odd = drawn.draw(st.lists(one_like_the_first, min_size=1, max_size=6), label="entries")
        async with LoopbackHttp(self.server.origin) as self.http:  # with nothing of any quota used
            others = await self.read(self.with_first_entry(b""))
            page = await self.read(self.with_first_entry(b",".join(json.dumps(one).encode() for one in odd)))
        assert {mention.id for mention in others.mentions} <= {mention.id for mention in page.mentions}
        self.well_formed(page)


class SignedInContract(JsonContract):
    """For connectors that sign in first: here they have done so, so that every request is one for mentions."""

    def platform(self) -> Callable[[Asked], Answer]:
        """One that lets them in."""
        raise NotImplementedError

    @asynccontextmanager
    async def connector(self) -> AsyncIterator[Connector]:
        async with super().connector() as connector:
            answer, self.server.answer = self.server.answer, self.platform()
            await connector.poll("")
            self.server.asked.clear()
            self.server.arrived.clear()
            self.server.answer = answer
            yield connector

    async def test_cancelled(self) -> None:
        async with self.connector() as connector:
            self.server.answer = Answer(hang=True)
            poll = asyncio.create_task(connector.poll(""))
            await self.server.arrived.wait()
            poll.cancel()
            with pytest.raises(asyncio.CancelledError):
                await poll
            assert len(self.server.asked) == 1


NO_NETWORK = {
    case: "nothing is asked over the network"
    for case in ("rate_limited", "server_error", "unauthorised", "cut_off", "cancelled", "timeout")
}


class FileContract(ConnectorContract):
    """For connectors that read a file: the answer is written to `file`, which `settings` name."""

    file: ClassVar[str]

    def _excuse(self, case: str) -> None:
        super()._excuse(case)
        if case in NO_NETWORK:
            pytest.skip(NO_NETWORK[case])

    async def read(self, answer: Answer, cursor: str = "") -> Page:
        (self.folder / self.file).write_bytes(answer.body)
        async with self.connector() as connector:
            return await connector.poll(cursor)

    async def test_missing(self) -> None:
        async with self.connector() as connector:
            with pytest.raises(PermanentError):
                await connector.poll("")


class ReceiveContract(ConnectorContract):
    """For connectors that are sent to: `sign` gives the headers that make a body authentic."""

    now: ClassVar[datetime] = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def sign(self, body: bytes) -> Mapping[str, str]:
        """Lower-case headers."""
        raise NotImplementedError

    def _excuse(self, case: str) -> None:
        super()._excuse(case)
        if case in NO_NETWORK and case != "unauthorised":
            pytest.skip(NO_NETWORK[case])

    async def read(self, answer: Answer, cursor: str = "") -> Page:
        async with self.connector() as connector:
            assert isinstance(connector, CanReceive)
            return connector.receive(self.sign(answer.body), answer.body, self.now)

    async def test_corrupt_cursor(self) -> None:
        async with self.connector() as connector:
            assert not (await connector.poll("nonsense")).mentions

    async def test_unauthorised(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        foreign = self.sign(self.recording + b" ")
        for headers in ({}, foreign, dict.fromkeys(foreign, ""), dict.fromkeys(foreign, "\u0161nonsense")):
            async with self.connector() as connector:
                assert isinstance(connector, CanReceive)
                with pytest.raises(AuthError) as caught:
                    connector.receive(headers, self.recording, self.now)
                self.keeps_secrets(str(caught.value))
        self.keeps_secrets(caplog.text)


def tested_kinds(base: type[ConnectorContract] = ConnectorContract) -> set[str]:
    """The kinds that have a contract class, among all test modules imported so far."""
    found = {base.kind} if "kind" in vars(base) and not inspect.isabstract(base) else set()
    return found.union(*(tested_kinds(sub) for sub in base.__subclasses__()))
