"""1,000 sources of mixed kinds, on platforms that enforce their quotas. Run: python -m tests.bench.bench_sources

No source starves: between two of its readings lies at most twice what its interval or its budgets allow. No platform is
asked for more than it gives: each counts for itself, in a second process, over every stretch of time of its window.
Memory stays flat.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil
from aiohttp import web

from monitor import budgets
from monitor.budgets import CanBudget
from monitor.contract import Connector, Page
from monitor.errors import BudgetSpent
from monitor.ledger import Ledger
from monitor.polling import Poller
from monitor.settings import connector_module
from monitor.store.sqlite import SqliteStore
from tests.google_platform import service_account
from tests.loopback import LoopbackHttp

SECONDS = 600.0
JITTER = 1.1  # by which the service lengthens intervals
GRACE = 15.0  # seconds; in the first ones, all sources are read for the first time
X_CAP = 1.0  # dollars


# ---- the platforms


@dataclass
class Quotas:
    """What each account has asked for; `over` counts what it should not have."""

    asked: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    days: Counter[str] = field(default_factory=Counter)
    bills: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    over: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)

    def rolling(self, platform: str, account: str, limit: int, seconds: float) -> int:
        """What is left, in any stretch of so many seconds; below 0 where it was too much."""
        now, times = time.time(), self.asked[f"{platform} {account}"]
        while times and times[0] <= now - seconds:
            times.popleft()
        times.append(now)
        return self._left(platform, limit - len(times))

    def daily(self, platform: str, account: str, limit: int, zone: str) -> int:
        key = f"{platform} {account} {datetime.now(ZoneInfo(zone)).date()}"
        self.days[key] += 1
        return self._left(platform, limit - self.days[key])

    def pay(self, account: str, dollars: float, cap: float) -> None:
        self.bills[account] += dollars
        self._left("x money", 0 if self.bills[account] <= cap + 1e-9 else -1)

    def _left(self, platform: str, left: int) -> int:
        self.requests[platform] += 1
        self.over[platform] += left < 0
        return left


class Platforms:
    """Each has something new once a minute."""

    def __init__(self) -> None:
        self.quotas = Quotas()

    def application(self) -> web.Application:
        app = web.Application()
        for path, answer in (
            ("/feed/{n}", self.feed),
            ("/api/v1/notifications", self.mastodon),
            ("/api/v2/instance", self.instance),
            ("/api/v1/search_by_date", self.hackernews),
            ("/2.3/search/advanced", self.stackexchange),
            ("/youtube/v3/commentThreads", self.youtube),
            ("/androidpublisher/v3/applications/{app}/reviews", self.googleplay),
            ("/{forum}/posts.json", self.discourse),
            ("/xrpc/app.bsky.notification.listNotifications", self.bluesky),
            ("/2/users/{n}/mentions", self.x),
            ("/seen", self.seen),
        ):
            app.router.add_get(path, answer)
        app.router.add_post("/token", self.token)
        app.router.add_post("/xrpc/com.atproto.server.createSession", self.session)
        return app

    async def feed(self, request: web.Request) -> web.Response:
        tag = f'"{_minute()}"' if int(request.match_info["n"]) % 10 == 0 else '"1"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        item = f"<item><guid>{tag[1:-1]}</guid><title>Balík</title><link>https://f.example/</link></item>"
        body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>T</title>{item}</channel></rss>'
        return web.Response(text=body, content_type="application/rss+xml", headers={"ETag": tag})

    async def mastodon(self, request: web.Request) -> web.Response:
        left = self.quotas.rolling("mastodon", request.headers["Authorization"], 300, 300)
        reset = datetime.now(UTC) + timedelta(seconds=300)
        headers = {"X-RateLimit-Remaining": str(max(left, 0)), "X-RateLimit-Reset": reset.isoformat()}
        number = str(_minute())
        status = {
            "id": number,
            "content": "<p>Kde je balík?</p>",
            "created_at": _now(),
            "visibility": "public",
            "url": f"https://m.example/@eva/{number}",
            "account": {"acct": "eva", "display_name": "Eva"},
            "mentions": [],
        }
        old = request.query.get("since_id") == number or "max_id" in request.query
        new = [] if old else [{"id": number, "type": "mention", "status": status}]
        return web.json_response(new, status=429 if left < 0 else 200, headers=headers)

    async def instance(self, request: web.Request) -> web.Response:
        self.quotas.rolling("mastodon", request.headers["Authorization"], 300, 300)
        return web.json_response({"configuration": {"statuses": {"max_characters": 500}}})

    async def hackernews(self, request: web.Request) -> web.Response:
        left = self.quotas.rolling("hackernews", "", 10_000, 3600)
        hit = {
            "objectID": str(_minute()),
            "author": "eva",
            "created_at_i": _minute() * 60,
            "comment_text": "Late again",
        }
        return web.json_response({"hits": [hit]}, status=429 if left < 0 else 200)

    async def stackexchange(self, request: web.Request) -> web.Response:
        key = request.query.get("key", "")
        left = self.quotas.daily("stackexchange", key, 10_000 if key else 300, "UTC")
        if left < 0:
            return web.json_response({"error_id": 502, "error_name": "throttle_violation"}, status=400)
        item = {"question_id": _minute(), "title": "Tent", "body": "It leaks.", "creation_date": _minute() * 60}
        return web.json_response({"items": [item], "has_more": False, "quota_remaining": left})

    async def youtube(self, request: web.Request) -> web.Response:
        key = request.headers["X-Goog-Api-Key"]
        left = self.quotas.daily("youtube", key, _units(key), "America/Los_Angeles")
        if left < 0:
            return web.json_response({"error": {"errors": [{"reason": "quotaExceeded"}]}}, status=403)
        number = f"Ug{_minute():024d}"
        said = {"textOriginal": "Kedy príde?", "publishedAt": _now(), "authorDisplayName": "eva"}
        top = {"id": number, "snippet": said}
        return web.json_response({"items": [{"id": number, "snippet": {"topLevelComment": top}}]})

    async def googleplay(self, request: web.Request) -> web.Response:
        left = self.quotas.rolling("googleplay", request.match_info["app"], 200, 3600)
        said = {"text": "\tPadá", "starRating": 1, "lastModified": {"seconds": str(_minute() * 60)}}
        review = {"reviewId": f"r{_minute()}", "authorName": "Eva", "comments": [{"userComment": said}]}
        return web.json_response({"reviews": [review]}, status=429 if left < 0 else 200)

    async def discourse(self, request: web.Request) -> web.Response:
        left = self.quotas.rolling("discourse", request.match_info["forum"], 60, 60)
        post = {"id": _minute(), "topic_id": 1, "post_number": 2, "username": "eva", "cooked": "<p>Kde je?</p>"}
        return web.json_response({"latest_posts": [post | {"created_at": _now()}]}, status=429 if left < 0 else 200)

    async def bluesky(self, request: web.Request) -> web.Response:
        left = self.quotas.rolling("bluesky", request.headers["Authorization"], 3_000, 300)
        record = {"text": "Kde je balík?", "createdAt": _now(), "langs": ["sk"]}
        post = {
            "uri": f"at://did:plc:eva/app.bsky.feed.post/3k{_minute()}",
            "cid": "c",
            "author": {"did": "did:plc:eva", "handle": "eva.example"},
            "record": record,
            "indexedAt": _now(),
        }
        return web.json_response({"notifications": [post]}, status=429 if left < 0 else 200)

    async def session(self, request: web.Request) -> web.Response:
        account = (await request.json())["identifier"]
        self.quotas.rolling("bluesky sign-ins", account, 300, 86_400)
        return web.json_response({"did": f"did:plc:{account}", "accessJwt": f"a-{account}", "refreshJwt": "r"})

    async def x(self, request: web.Request) -> web.Response:
        account = request.headers["Authorization"]
        left = self.quotas.rolling("x", account, 450, 900)
        if left < 0:
            return web.json_response({"title": "Too Many Requests"}, status=429)
        number = str(1_990_000_000_000_000_000 + _minute())
        if request.query.get("since_id") == number:
            return web.json_response({"meta": {"result_count": 0}})
        self.quotas.pay(account, 0.001 + 0.010, X_CAP)
        post = {"id": number, "text": "@pupava Kde je balík?", "author_id": "11", "created_at": _now()}
        users = {"users": [{"id": "11", "name": "Eva", "username": "eva"}]}
        return web.json_response({"data": [post], "includes": users, "meta": {"newest_id": number}})

    async def token(self, _request: web.Request) -> web.Response:
        return web.json_response({"access_token": "ya29.bench", "expires_in": 3599})

    async def seen(self, _request: web.Request) -> web.Response:
        quotas = self.quotas
        return web.json_response({"over": +quotas.over, "requests": quotas.requests, "bills": quotas.bills})


def _minute() -> int:
    return int(time.time() // 60)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _units(key: str) -> int:
    """Units a day; some projects have few."""
    return 200 if key.endswith("0") else 10_000


async def serve() -> None:
    runner = web.AppRunner(Platforms().application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    command = (sys.executable, "-m", "tests.bench.bench_sources", "--serve")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


# ---- the sources


class Watched:
    """A connector, and when its source was read."""

    def __init__(self, connector: Connector, interval: float) -> None:
        self._connector = connector
        self.interval = interval
        self.read: list[float] = []
        self.waits = 0
        self.failures: list[str] = []
        if isinstance(connector, CanBudget):
            self.budgets = connector.budgets

    async def poll(self, cursor: str) -> Page:
        try:
            page = await self._connector.poll(cursor)
        except BudgetSpent:
            self.waits += 1
            raise
        except Exception as error:
            self.failures.append(str(error))
            raise
        self.read.append(time.monotonic())
        return page

    async def close(self) -> None:
        await self._connector.close()

    def longest_pause(self, begun: float, ended: float) -> float:
        return max(after - before for before, after in itertools.pairwise([begun, *self.read, ended]))


def wanted(origin: str, share: float) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Kind, interval and options of each source; many want more than there is. `share` of the thousand."""
    account = service_account()

    def times(count: int) -> range:
        return range(max(1, round(count * share)))

    for n in times(400):
        yield "rss", 30, {"url": f"{origin}/feed/{n}"}
    for n in times(150):
        yield "mastodon", 10, {"instance": origin, "account": "pupava", "access_token": f"token-{n // 15}"}
    for n in times(50):
        yield "hackernews", 30, {"query": f"pupava {n}"}
    for n in times(50):
        yield "stackexchange", 60, {"query": f"pupava {n}"} | ({"key": "bench-key"} if n % 2 else {})
    for n in times(100):
        key = f"AIza-bench-{n // 10}"
        yield "youtube", 60, {"channel": f"UC{n:022d}", "key": key, "daily_units": _units(key)}
    for n in times(50):
        yield "googleplay", 10, {"app": f"sk.pupava.app{n}", "service_account": account}
    for n in times(100):
        forum = f"forum{n // 10}"
        yield "discourse", 10, {"url": f"{origin}/{forum}", "api_key": f"key-{forum}", "username": "pupava"}
    for n in times(50):
        yield "bluesky", 20, {"handle": f"h{n}.example", "app_password": "pw", "service": origin}
    for n in times(50):
        more = {"mentions": True, "monthly_cap": X_CAP, "base_url": origin, "recheck_share": 0.0}
        yield (
            "x",
            30,
            {"account": "pupava", "account_id": str(n), "bearer_token": f"bench-{n // 10}", "app": str(n // 10)} | more,
        )


def connected(origin: str, http: LoopbackHttp, share: float) -> dict[str, Watched]:
    sources = {}
    for number, (kind, interval, options) in enumerate(wanted(origin, share)):
        module = connector_module(kind)
        settings = module.Settings(kind=kind, name=f"{kind}-{number}", **options)
        sources[settings.name] = Watched(module.connect(settings, http), interval)
    return sources


# ---- the measure


@dataclass(frozen=True)
class Measured:
    polls: dict[str, list[int]]  # by kind
    starved: list[str]
    failures: list[str]
    over: dict[str, int]
    requests: dict[str, int]
    memory: list[float]  # MiB after each quarter
    computing: float  # share of one core
    waits: int


async def measure(seconds: float, share: float) -> Measured:
    ledger = Ledger()
    with tempfile.TemporaryDirectory() as folder:
        async with serving() as origin, LoopbackHttp(origin) as http:
            http.ledger = ledger
            sources = connected(origin, http, share)
            store = SqliteStore(Path(folder) / "ohlas.db")
            poller = _poller(store, sources, ledger)
            computing, begun = time.process_time(), time.monotonic()
            running = asyncio.create_task(poller.run())
            memory = []
            for _ in range(4):
                await asyncio.sleep(seconds / 4)
                memory.append(psutil.Process().memory_info().rss / 2**20)
            ended, computing = time.monotonic(), time.process_time() - computing
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            seen = (await http.get(f"{origin}/seen")).json()
            allowed = {name: _allowed(name, poller) for name in sources}
            await asyncio.gather(*(one.close() for one in sources.values()))
            store.close()
    by_kind: dict[str, list[int]] = defaultdict(list)
    for name, one in sources.items():
        by_kind[name.partition("-")[0]].append(len(one.read))
    return Measured(
        polls=by_kind,
        starved=[
            f"{name}: {one.longest_pause(begun, ended):.0f} s, where {allowed[name]:.0f} s are allowed"
            for name, one in sources.items()
            if one.longest_pause(begun, ended) > 2 * JITTER * allowed[name] + GRACE
        ],
        failures=[f"{name}: {failure}" for name, one in sources.items() for failure in one.failures],
        over=seen["over"],
        requests=seen["requests"],
        memory=memory,
        computing=computing / (ended - begun),
        waits=sum(one.waits for one in sources.values()),
    )


def _poller(store: SqliteStore, sources: dict[str, Watched], ledger: Ledger) -> Poller:
    store.sources.configure({name: name.partition("-")[0] for name in sources}, datetime.now(UTC))
    poller = Poller(
        store=store,
        connectors=sources,
        intervals={name: one.interval for name, one in sources.items()},
        clock=lambda: datetime.now(UTC),
        arrived=lambda _count: None,
        ledger=ledger,
    )
    store.budgets.configure(poller.sharing.sharers())
    return poller


def _allowed(name: str, poller: Poller) -> float:
    """Seconds between two readings, as its interval has it, or what its budgets have left at the end."""
    usual, now = poller.intervals[name], datetime.now(UTC)
    shares = poller.sharing.shares.get(name, {})
    lasting = [
        budgets.interval(budget, poller.ledger.spending(budget), poller._wants(budget), usual, now)
        for budget, amount in shares.items()
        if amount
    ]
    money = [budget for budget in shares if budget.unit == "USD" and poller.ledger.meter(budget).left() < 0.11]
    return float("inf") if money else max([usual, *lasting])


def report(found: Measured, seconds: float) -> None:
    everything = [polls for many in found.polls.values() for polls in many]
    print(
        f"{len(everything)} sources, {seconds:.0f} s; {sum(everything)} readings, {found.waits} times a budget said no"
    )
    for kind, polls in sorted(found.polls.items()):
        least, median = min(polls), statistics.median(polls)
        print(f"  {kind:14} {len(polls):4} sources: {least} readings at least, {median:g} in the middle")
    print(f"requests: {', '.join(f'{name} {count}' for name, count in sorted(found.requests.items()))}")
    print(f"asked for more than a platform gives: {sum(found.over.values())} times (target 0) {found.over or ''}")
    print(f"starved: {len(found.starved)} (target 0)", *found.starved[:10], sep="\n  ")
    print(f"failures: {len(found.failures)}", *found.failures[:10], sep="\n  ")
    quarters = ", ".join(f"{mib:.0f}" for mib in found.memory)
    print(f"memory after each quarter: {quarters} MiB; the last {found.memory[-1] / found.memory[0]:.2f}x the first")
    print(f"computing: {found.computing:.0%} of one core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--share", type=float, default=1.0, help="of the thousand sources")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve())
    else:
        report(asyncio.run(measure(given.seconds, given.share)), given.seconds)


if __name__ == "__main__":
    main()
