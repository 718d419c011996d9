from __future__ import annotations

import base64
import html
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import quote, quote_plus

import pytest

from monitor.logs import configure, mask, mask_queries, printable

CANARY = 'kanárik/žltý+"7&x\\y'
LOG = logging.getLogger("monitor.tried")
Kind = Literal["text", "json"]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)
    logging.captureWarnings(False)


def written(
    kind: Kind, act: Callable[[], object], *, level: str = "debug", secrets: tuple[str, ...] = (CANARY,)
) -> str:
    stream = io.StringIO()
    logging.getLogger().handlers.clear()  # pytest's own would fail on the slips that are tried here
    configure(kind, level, secrets, stream)
    act()
    return stream.getvalue()


def forms() -> list[str]:
    encoded = CANARY.encode()
    return [
        CANARY,
        quote(CANARY),
        quote(CANARY, safe=""),
        quote(CANARY, safe="").lower(),
        quote_plus(CANARY),
        json.dumps(CANARY)[1:-1],
        json.dumps(CANARY, ensure_ascii=False)[1:-1],
        repr(CANARY)[1:-1],
        repr(encoded)[2:-1],
        html.escape(CANARY),
        encoded.hex(),
        base64.b64encode(encoded).decode(),
        base64.urlsafe_b64encode(encoded).decode(),
    ]


def shows(output: str) -> list[str]:
    told = [
        output,
        *([json.dumps(json.loads(line), ensure_ascii=False) for line in output.splitlines() if line[:1] == "{"]),
    ]
    return [form for form in forms() for text in told if form.rstrip("=") in text]


class Shy:
    def __str__(self) -> str:
        return f"shy with {CANARY}"


def crash(with_group: bool) -> None:
    try:
        try:
            raise ValueError(f"cannot use {CANARY}")
        except ValueError as error:
            error.add_note(f"note {CANARY}")
            if with_group:
                raise ExceptionGroup(f"several {CANARY}", [error, OSError(quote(CANARY))]) from error
            raise RuntimeError(f"while using {CANARY}") from error
    except (RuntimeError, ExceptionGroup):
        LOG.exception("crashed with %s", CANARY, stack_info=True)


ACTS: dict[str, Callable[[], object]] = {
    "message": lambda: LOG.warning(f"found {CANARY}"),
    "args": lambda: LOG.warning("found %s and %r", CANARY, {"a": [CANARY]}),
    "object": lambda: LOG.warning("found %s", Shy()),
    "extra": lambda: LOG.warning(
        "found", extra={"where": CANARY, "deep": {"a": [CANARY, Shy()], CANARY: 1}, "shy": Shy()}
    ),
    "traceback": lambda: crash(with_group=False),
    "group": lambda: crash(with_group=True),
    "wrong number of arguments": lambda: LOG.warning("one %s two %s", CANARY),
    "no placeholder": lambda: LOG.warning("none", CANARY),
    "mapping": lambda: LOG.warning("%(missing)s", {"present": CANARY}),
    "bytes": lambda: LOG.warning("found %r", CANARY.encode()),
    "every form": lambda: LOG.warning("in %s", " ".join(forms())),
    "json form": lambda: LOG.warning(json.dumps({"a": CANARY})),
    "at the cut": lambda: LOG.warning("x" * 32_760 + CANARY),
    "uncaught": lambda: sys.excepthook(ValueError, ValueError(CANARY), None),
}


@pytest.mark.parametrize("kind", ["text", "json"])
@pytest.mark.parametrize("act", ACTS)
def test_a_secret_never_shows(kind: Kind, act: str, capsys: pytest.CaptureFixture[str]) -> None:
    output = written(kind, ACTS[act])
    assert output.endswith("\n") and shows(output) == []
    captured = capsys.readouterr()
    assert shows(captured.out + captured.err) == []


@pytest.mark.parametrize("kind", ["text", "json"])
def test_values_that_are_secret_by_name_never_show(kind: Kind) -> None:
    output = written(
        kind,
        lambda: LOG.warning(
            "%s | %s | %s | %s | %s",
            "https://heureka.example/direct/export.php?key=abc123def&from=2026-01-01",
            "api_token=abc123def;x=1",
            "Authorization: Bearer abc123def",
            "https://jana:abc123def@shop.example/x",
            "next=%2Fx%3Ftoken%3Dabc123def",
        ),
    )
    assert "abc123def" not in output
    assert "from=2026-01-01" in output and "x=1" not in output.split("api_token")[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://x/?a=1&KEY=s&b=2", "https://x/?a=1&KEY=**********&b=2"),
        ("monkey business, key to success", "monkey business, key to success"),
        ("https://x/@user and me@example.org", "https://x/@user and me@example.org"),
    ],
)
def test_masking_by_name(text: str, expected: str) -> None:
    assert mask_queries(text) == expected


def test_the_longest_secret_is_masked_first() -> None:
    assert mask("abcdef abcd", ["abcd", "abcdef"]) == "********** **********"
    assert mask("a b", ["", "a"]) == "a b"


EVIL = "ok\n2026-01-01 00:00:00+0000 ERROR monitor: forged\r\x1b[31mred\u202egnp\u2028\x00\ud800\u200b"


def test_what_strangers_write_cannot_forge_a_line_of_text() -> None:
    (line,) = written("text", lambda: LOG.warning("by %s", EVIL, extra={"author": EVIL})).splitlines()
    assert "\\n2026-01-01" in line and "\\u202e" in line and "\\x1b[31m" in line
    assert line.isprintable()


def test_what_strangers_write_cannot_forge_a_line_of_json() -> None:
    (line,) = written("json", lambda: LOG.warning("by %s", EVIL, extra={"author": EVIL})).splitlines()
    assert line.isprintable() and json.loads(line)["author"] == printable(EVIL)


def test_a_message_of_an_exception_cannot_forge_a_line() -> None:
    def act() -> None:
        try:
            raise ValueError(EVIL)
        except ValueError:
            LOG.exception("failed")

    first, *rest = written("text", act).splitlines()
    assert " ERROR   monitor.tried: failed" in first
    assert rest and all(line.startswith("    | ") for line in rest)
    entry = json.loads(written("json", act))
    assert "Traceback (most recent call last):\n" in entry["exception"] and "\u202e" not in entry["exception"]


def test_a_line_of_text_reads_well() -> None:
    output = written(
        "text", lambda: LOG.info("%s is unreachable", "recenzie", extra={"source": "recenzie", "failures": 3})
    )
    assert output.endswith(" INFO    monitor.tried: recenzie is unreachable (source=recenzie, failures=3)\n")


def test_a_line_of_json_can_be_read_by_programs() -> None:
    extra: dict[str, Any] = {"source": "recenzie", "failures": 3, "path": [1, None, True, 0.5]}
    entry = json.loads(written("json", lambda: LOG.info("žiadna odpoveď", extra=extra)))
    assert entry.pop("time").endswith("+00:00")
    assert entry == {"level": "INFO", "logger": "monitor.tried", "message": "žiadna odpoveď", **extra}


def test_a_flood_is_cut() -> None:
    assert len(written("text", lambda: LOG.warning("x" * 10**6))) < 40_000


def test_noisy_libraries_keep_quiet() -> None:
    def act() -> None:
        logging.getLogger("tweepy.client").debug("Headers: Bearer …")
        logging.getLogger("aiohttp.access").info("GET /sign-in/one-time-link")
        logging.getLogger("aiohttp.access").warning("kept")

    assert written("text", act).count("\n") == 1


def test_a_second_configure_replaces_the_first() -> None:
    first = io.StringIO()
    configure("text", "info", (), first)
    assert written("json", lambda: LOG.info("once"), level="info").count("\n") == 1
    assert first.getvalue() == ""


def test_the_level_is_kept() -> None:
    assert written("text", lambda: LOG.info("quiet"), level="warning") == ""


def test_a_crash_of_the_process_shows_no_secret() -> None:
    code = (
        "import sys; from monitor.logs import configure; configure('text', 'info', [sys.argv[1]]);"
        "raise RuntimeError(sys.argv[1])"
    )
    done = subprocess.run([sys.executable, "-c", code, "kanarik-7"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "stopped by an error" in done.stderr and "RuntimeError: **********" in done.stderr
    assert "kanarik-7" not in done.stderr
