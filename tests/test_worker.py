import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator

import psutil
import pytest

from monitor import worker
from monitor.errors import PermanentError, TemporaryError
from monitor.worker import Worker, shared

PARSER = "tests.parsers:parse"


def workers() -> list[psutil.Process]:
    """Python processes of ours: servers that other tests started may live on."""
    return [child for child in psutil.Process().children() if "python" in child.name()]


@pytest.fixture
async def parser() -> AsyncIterator[Worker]:
    parser = Worker(PARSER, cpu=1.0)
    yield parser
    await parser.close()
    assert not workers()


async def test_one_process_serves_many(parser: Worker) -> None:
    assert parser.pid is None, "nothing is started before it is needed"
    body = b"x" * 5_000_000 + b"end"
    first = await parser.run({"do": "echo", "text": "čučoriedka \ud800"}, body)
    assert first["length"] == len(body) and first["tail"] == "end" and first["request"]["text"] == "čučoriedka \ud800"
    assert [(await parser.run({"do": "echo"}))["pid"] for _ in range(3)] == [first["pid"]] * 3


async def test_many_at_once_take_turns(parser: Worker) -> None:
    answers = await asyncio.gather(*(parser.run({"do": "echo", "n": n}) for n in range(20)))
    assert [answer["request"]["n"] for answer in answers] == list(range(20))


async def test_what_the_parser_prints_stays_out(parser: Worker) -> None:
    assert await parser.run({"do": "print"}) == "printed"
    assert await parser.run({"do": "print"}) == "printed"


async def test_refusal_passes_through_and_the_process_lives(parser: Worker) -> None:
    with pytest.raises(PermanentError, match="this is no feed"):
        await parser.run({"do": "refuse"})
    pid = parser.pid
    assert (await parser.run({"do": "echo"}))["pid"] == pid


@pytest.mark.parametrize("fault", ["fail", "exit", "swell"])
async def test_death_is_permanent_and_the_next_run_works(parser: Worker, fault: str) -> None:
    with pytest.raises(PermanentError, match="gave up"):
        await parser.run({"do": fault}, b"x" * 2**20)
    assert await parser.run({"do": "echo"})


async def test_computing_time_ends_and_the_loop_stays_free(parser: Worker) -> None:
    await parser.run({"do": "echo"})
    spin = asyncio.create_task(parser.run({"do": "spin"}))
    worst = 0.0
    while not spin.done():
        started = time.perf_counter()
        await asyncio.sleep(0.01)
        worst = max(worst, time.perf_counter() - started)
    assert worst < 1.0
    with pytest.raises(PermanentError, match="computing time"):
        await spin
    assert await parser.run({"do": "echo"})


async def test_hanging_is_temporary() -> None:
    parser = Worker(PARSER, wall=0.5)
    with pytest.raises(TemporaryError, match="more than 0"):
        await parser.run({"do": "hang"})
    assert parser.pid is None
    await parser.close()
    assert not workers()


async def test_cancelling_kills_and_the_next_answer_is_the_right_one(parser: Worker) -> None:
    pid = (await parser.run({"do": "echo"}))["pid"]
    hang = asyncio.create_task(parser.run({"do": "hang"}))
    await asyncio.sleep(0)  # lets it send its request
    hang.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hang
    assert not psutil.pid_exists(pid)
    assert (await parser.run({"do": "echo", "n": 2}))["request"]["n"] == 2


async def test_killed_from_outside_between_two_runs(parser: Worker) -> None:
    pid = (await parser.run({"do": "echo"}))["pid"]
    os.kill(pid, signal.SIGKILL)
    try:
        await parser.run({"do": "echo"})  # the death may be noticed before, or only now
    except PermanentError:
        assert await parser.run({"do": "echo"})


async def test_ends_when_idle() -> None:
    parser = Worker(PARSER, idle=0.01)
    pid = (await parser.run({"do": "echo"}))["pid"]
    await asyncio.to_thread(psutil.Process(pid).wait, 10)
    assert (await parser.run({"do": "echo"}))["pid"] != pid
    await parser.close()


async def test_works_beside_threads(parser: Worker) -> None:
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert await parser.run({"do": "echo"})
    over.set()
    for thread in threads:
        thread.join()


async def test_no_secret_reaches_the_parser(parser: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OHLAS_TOKEN", "canary")
    assert "canary" not in str(await parser.run({"do": "environment"}))


async def test_shared_until_the_last_holder_lets_go() -> None:
    first, second = shared(PARSER), shared(PARSER)
    assert first is second
    pid = (await first.run({"do": "echo"}))["pid"]
    await first.release()
    assert second.pid == pid
    await second.release()
    assert not psutil.pid_exists(pid)
    assert shared(PARSER) is not first
    worker._shared.clear()


def test_ends_when_its_parent_is_killed() -> None:
    script = f"""
import asyncio
from monitor.worker import Worker
async def main():
    worker = Worker({PARSER!r})
    await worker.run({{"do": "echo"}})
    print(worker.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    orphan.wait(timeout=10)
