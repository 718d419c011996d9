import asyncio
import gzip
import logging
import socket
import ssl
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from monitor.errors import AuthError, ConfigError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.http import DAY, Http, error_for, retry_after
from monitor.networks import is_special, network
from tests.loopback import LOOPBACK, Answer, Asked, Loopback

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MIB = 2**20


# ---- the guard


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1"),
        *("127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.170", "192.0.2.1"),
        *("192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1"),
        *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
        *("64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:10::1"),
        *("2001:db8::1", "2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd12::1"),
        *("fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
    ],
)
def test_special_addresses(address: str) -> None:
    assert is_special(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1"),
        *(
            "223.255.255.255",
            "2606:4700::1111",
            "2a02:8308::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:4860::8888",
        ),
    ],
)
def test_public_addresses(address: str) -> None:
    assert not is_special(address)


def test_operators_name_exceptions() -> None:
    allowed = [network("10.0.5.0/24"), network("::1")]
    assert not is_special("10.0.5.9", allowed) and not is_special("::ffff:10.0.5.9", allowed)
    assert not is_special("::1", allowed)
    assert is_special("10.0.6.9", allowed) and is_special("127.0.0.1", allowed)
    with pytest.raises(ConfigError, match="allow_private: 'intranet'"):
        Http(allow_private=["intranet"])


FORMS = (
    *("http://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/", "http://0x7f000001:{port}/"),
    *("http://0177.0.0.1:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/", "http://localhost:{port}/"),
    *("http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/"),
    *("http://user@127.0.0.1:{port}/", "http://127.0.0.1:{port}@127.0.0.1:{port}/", "http://①②⑦.⓪.⓪.①:{port}/"),
    *("http://127。0。0。1:{port}/", "http://LOCALHOST.:{port}/", "http://[64:ff9b::7f00:1]:{port}/"),
    *("http://[::]:{port}/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fe80::1]/"),
    *("file:///etc/passwd", "gopher://127.0.0.1:{port}/", "ftp://127.0.0.1:{port}/", "unix:///run/x", "http:///x", "x"),
)


@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_an_address_gets_inside(server: Loopback, form: str) -> None:
    url = form.format(port=server.origin.rpartition(":")[2])
    async with Http(total=5) as session:
        for attempt in (session.get(url), session.send("POST", url, body=b"x")):
            with pytest.raises((PermanentError, TemporaryError)):
                await attempt
        assert not server.asked


@pytest.mark.allow_hosts(["127.0.0.1", "127.0.0.2", "::1"])
@pytest.mark.parametrize("form", FORMS)
async def test_no_redirect_gets_inside(server: Loopback, form: str) -> None:
    target = form.format(port=server.origin.rpartition(":")[2])
    if target in ("x", "http:///x"):
        pytest.skip("as a redirect this is a harmless relative address")
    async with (
        Loopback(Answer(status=302, headers={"Location": target}), host="127.0.0.2") as outside,
        Http(allow_private=["127.0.0.2"], total=5) as session,
    ):
        with pytest.raises(SourceError):
            await session.get(outside.url())
    assert len(outside.asked) == 1
    assert not server.asked


async def test_a_name_that_changes_its_address_does_not_get_inside(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rebound(host: str, port: int, *rest: object, **more: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async with Http(total=5) as session:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", _in_loop(rebound))
        with pytest.raises(PermanentError, match=r"private or special network.*allow_private"):
            await session.get(f"http://shop.example:{server.origin.rpartition(':')[2]}/")
    assert not server.asked


def _in_loop(function: Callable[..., object]) -> Callable[..., object]:
    async def call(*args: object, **more: object) -> object:
        return function(*args, **more)

    return call


# ---- reading


async def test_get(server: Loopback, session: Http) -> None:
    server.answer = Answer(b'{"a": "\xc4\x8d"}', headers={"ETag": '"x"'})
    response = await session.get(server.url("/feed?b=1"), headers={"If-None-Match": '"w"'})
    assert response.status == 200 and response.headers["etag"] == '"x"' and response.json() == {"a": "č"}
    assert response.url == server.url("/feed?b=1") and response.moved == ""
    asked = server.asked[0]
    assert asked.headers["If-None-Match"] == '"w"' and asked.headers["User-Agent"].startswith("Ohlas")
    assert asked.path == "/feed?b=1"


async def test_not_modified_is_an_answer(server: Loopback, session: Http) -> None:
    server.answer = Answer(status=304)
    assert (await session.get(server.url())).status == 304


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b"[" * 100_000, b"\xff", b"1" * 5000])
async def test_json_that_is_none(server: Loopback, session: Http, body: bytes) -> None:
    server.answer = Answer(body)
    with pytest.raises(TemporaryError, match="JSON"):
        (await session.get(server.url())).json()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((401, AuthError), (403, AuthError), (404, PermanentError), (410, PermanentError), (400, PermanentError)),
        *((408, TemporaryError), (425, TemporaryError), (429, TemporaryError), (451, PermanentError)),
        *((500, TemporaryError), (503, TemporaryError), (599, TemporaryError), (300, PermanentError)),
    ],
)
async def test_status(server: Loopback, session: Http, status: int, kind: type[SourceError]) -> None:
    server.answer = Answer(b"<html>oops</html>", status=status)
    with pytest.raises(kind, match=str(status)):
        await session.get(server.url())
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("120", 120.0), ("0", 0.0), (" 5 ", 5.0), ("999999999", DAY), ("9" * 5000, DAY)),
        *(("-1", None), ("1.5e3", None), ("nan", None), ("inf", None), ("soon", None), ("", None), (None, None)),
        *(("Sat, 21 Nov 2026 12:02:00 GMT", 120.0), ("Sat, 21 Nov 2026 13:02:00 +0100", 120.0)),
        *(("Sat, 21 Nov 2026 12:02:00 -0000", 120.0), ("Sat, 21 Nov 2020 12:00:00 GMT", 0.0)),
        *(("Sat, 21 Nov 9999 12:00:00 GMT", DAY), ("Sat, 21 Nov 99999 12:00:00 GMT", None), ("Sat, 41 Nov 2026", None)),
        *(("Sat, 21 Nov 2026 12:00:00 +9999999999", None), ("²", None)),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_error_for_reads_both_forms_of_retry_after() -> None:
    for value in ("60", format_datetime(NOW + timedelta(seconds=60), usegmt=True)):
        error = error_for(503, "shop.example", {"Retry-After": value}, NOW)
        assert isinstance(error, TemporaryError) and error.retry_after == 60
    assert str(error) == "shop.example answers 503 Service Unavailable"


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "http://a..example/",
        f"http://{'a' * 70}.example/",
        "http://a.example:99999/",
        "http://",
        "",
        "http://a b/",
    ],
)
async def test_addresses_that_are_none(session: Http, url: str) -> None:
    for attempt in (session.get(url), session.send("POST", url)):
        with pytest.raises((PermanentError, TemporaryError)):
            await attempt


async def test_header_that_cannot_be_sent(server: Loopback, session: Http) -> None:
    for value in ("tajne\r\nX: y", "tajne\0", "tajné"):
        with pytest.raises(PermanentError) as caught:
            await session.get(server.url(), headers={"Authorization": value})
        assert "tajn" not in str(caught.value)
    assert not server.asked


async def test_nobody_listens(session: Http) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(TemporaryError, match="cannot be reached"):
        await session.get(url)
    with pytest.raises(TemporaryError, match="cannot be reached"):
        await session.send("PUT", url, body=b"x")


async def test_no_such_name(session: Http) -> None:
    with pytest.raises(TemporaryError, match="no such host name"):
        await session.get("http://nowhere.invalid/")


async def test_keys_are_never_shown(server: Loopback, session: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = server.url("/export.php?key=kanarik-1").replace("http://", "http://jana:kanarik-2@")
    shown = []
    faults = [Answer(status=code) for code in (401, 403, 404, 429, 500)]
    faults += [Answer(b"x" * 100, cut=True), Answer(status=302, headers={"Location": "http://["})]
    faults += [Answer(status=302), Answer(b"x", headers={"Content-Encoding": "gzip"}), Answer(hang=True)]
    async with Http(allow_private=LOOPBACK, total=0.2) as hasty:
        for server.answer in faults:
            patient = hasty if server.answer.hang else session
            for attempt in (patient.get(url), patient.send("POST", url, body=b"kanarik-3")):
                with pytest.raises(SourceError) as caught:
                    await attempt
                shown.append(str(caught.getrepr(chain=True, style="native")))
    assert "kanarik" not in caplog.text + "".join(line for line in shown)


# ---- redirects


async def test_redirects(server: Loopback, session: Http) -> None:
    hops = {"/a": (301, "/b"), "/b": (308, "c?x=1"), "/c?x=1": (302, "/d"), "/d": (301, "/e")}

    def hop(asked: Asked) -> Answer:
        status, target = hops.get(asked.path, (200, ""))
        return Answer(b"here", status=status, headers={"Location": target} if target else {})

    server.answer = hop
    response = await session.get(server.url("/a"), headers={"Authorization": "Bearer t"})
    assert response.body == b"here" and response.url == server.url("/e")
    assert response.moved == server.url("/c?x=1"), "what follows a temporary redirect is temporary"
    assert server.asked[-1].headers["Authorization"] == "Bearer t"


async def test_redirect_loop(server: Loopback, session: Http) -> None:
    server.answer = Answer(status=302, headers={"Location": "/"})
    with pytest.raises(PermanentError, match="more than 5 times"):
        await session.get(server.url())
    assert len(server.asked) == 6


async def test_another_host_gets_no_key(server: Loopback, session: Http) -> None:
    async with Loopback(Answer(b"stranger")) as stranger:
        server.answer = Answer(status=307, headers={"Location": stranger.url("/x")})
        ours = {"Authorization": "Bearer t", "Api-Key": "k", "Cookie": "c=1", "Accept": "text/xml"}
        url = server.url("/").replace("http://", "http://jana:heslo@")
        del ours["Authorization"]
        assert (await session.get(url, headers=ours)).body == b"stranger"
        assert server.asked[0].headers["Authorization"].startswith("Basic ")
        theirs = stranger.asked[0].headers
        assert theirs["Accept"] == "text/xml" and not {"Authorization", "Api-Key", "Cookie"} & set(theirs)


async def test_cookies_are_not_kept(server: Loopback, session: Http) -> None:
    server.answer = Answer(headers={"Set-Cookie": "a=1"})
    await session.get(server.url())
    await session.get(server.url())
    assert "Cookie" not in server.asked[1].headers


async def test_no_proxy_of_the_environment(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Loopback() as proxy:
        monkeypatch.setenv("http_proxy", proxy.origin)
        async with Http(allow_private=LOOPBACK) as session:
            await session.get(server.url())
        assert not proxy.asked


# ---- bodies


def packed(body: bytes, window: int) -> bytes:
    stream = zlib.compressobj(wbits=window)
    return stream.compress(body) + stream.flush()


TEXT = b"Hrniec prisiel rozbity. " * 40_000  # some MiB once unpacked


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 512),
        ("deflate", packed(TEXT, 15)),
        ("deflate", packed(TEXT, -15)),
        ("identity", TEXT),
    ],
    ids=["gzip", "x-gzip", "two members", "padding", "deflate", "raw deflate", "identity"],
)
async def test_compression(server: Loopback, session: Http, encoding: str, body: bytes) -> None:
    server.answer = Answer(body, headers={"Content-Encoding": encoding})
    assert (await session.get(server.url())).body == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_truncated_compression(server: Loopback, session: Http, encoding: str) -> None:
    whole = packed(TEXT, 31 if encoding == "gzip" else 15)
    for length in (1, 5, 10, 30, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        server.answer = Answer(whole[:length], headers={"Content-Encoding": encoding})
        with pytest.raises(TemporaryError):
            await session.get(server.url())


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"no gzip at all"), ("gzip", gzip.compress(TEXT)[:-8] + b"12345678"), ("br", b"x"), ("gzip, gzip", b"x")],
)
async def test_damaged_compression(server: Loopback, session: Http, encoding: str, body: bytes) -> None:
    server.answer = Answer(body, headers={"Content-Encoding": encoding})
    with pytest.raises(TemporaryError):
        await session.get(server.url())


async def test_cut_off(server: Loopback, session: Http) -> None:
    server.answer = Answer(b"x" * 100_000, cut=True)
    with pytest.raises(TemporaryError, match="cut off"):
        await session.get(server.url())


async def test_too_big(server: Loopback, session: Http) -> None:
    server.answer = Answer(b"x" * (15 * MIB))
    assert len((await session.get(server.url())).body) == 15 * MIB
    server.answer = Answer(b"x" * (15 * MIB + 1))
    with pytest.raises(PermanentError, match="15 MiB"):
        await session.get(server.url())


MEASURE = """
import asyncio, resource, sys
from monitor.errors import PermanentError
from monitor.http import Http

async def main(url):
    async with Http(allow_private=["127.0.0.1"]) as session:
        await session.get(url + "small")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            await session.get(url + "bomb")
        except PermanentError as error:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, error)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_bomb_costs_little_memory(server: Loopback) -> None:
    layer = zlib.compressobj(wbits=31)
    bomb = b"".join(layer.compress(bytes(MIB)) for _ in range(1024)) + layer.flush()
    server.answer = lambda asked: Answer(
        bomb if asked.path == "/bomb" else gzip.compress(b"small"), headers={"Content-Encoding": "gzip"}
    )
    command = (sys.executable, "-c", MEASURE, server.url())
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    grown, said = output.decode().split(" ", 1)
    assert "15 MiB" in said
    assert int(grown) * 1024 <= 32 * MIB


# ---- time


async def test_no_answer(server: Loopback) -> None:
    server.answer = Answer(hang=True)
    async with Http(allow_private=LOOPBACK, total=0.2) as session:
        with pytest.raises(TemporaryError, match="within 0"):
            await session.get(server.url())


@asynccontextmanager
async def dripping(first: bytes) -> AsyncIterator[str]:
    """A server that sends `first` and then one more byte for ever."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(first)
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
async def test_dripping_answer_is_cut_at_the_total(first: bytes) -> None:
    async with dripping(first) as url, Http(allow_private=LOOPBACK, total=0.3) as session:
        started = asyncio.get_running_loop().time()
        with pytest.raises(TemporaryError):
            await session.get(url)
        assert asyncio.get_running_loop().time() - started < 10


async def test_cancelling_passes_through(server: Loopback, session: Http) -> None:
    server.answer = Answer(hang=True)
    for attempt in (session.get(server.url()), session.send("POST", server.url())):
        server.arrived.clear()
        task = asyncio.create_task(attempt)
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_few_connections_to_one_host(server: Loopback, session: Http) -> None:
    server.answer = Answer(hang=True)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(session.get(server.url(f"/{n}"))) for n in range(12)]
        while len(server.asked) < 4:
            await server.arrived.wait()
            server.arrived.clear()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):  # a fifth would arrive at once
                await server.arrived.wait()
        assert len(server.asked) == 4
        for task in tasks:
            task.cancel()


# ---- writing


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_send(server: Loopback, session: Http, method: str) -> None:
    server.answer = Answer(b'{"id": "7"}', status=201)
    response = await session.send(method, server.url("/r"), headers={"Idempotency-Key": "k"}, body="Ďakujeme".encode())
    assert response.status == 201 and response.json() == {"id": "7"}
    assert [(a.method, a.path, a.body.decode()) for a in server.asked] == [(method, "/r", "Ďakujeme")]
    assert server.asked[0].headers["Idempotency-Key"] == "k"


WRITE_FAULTS = [
    (Answer(hang=True), OutcomeUnknown),
    (Answer(b"x" * 100, cut=True), OutcomeUnknown),
    (Answer(b"x", headers={"Content-Encoding": "gzip"}), OutcomeUnknown),
    (Answer(status=500), OutcomeUnknown),
    (Answer(status=502), OutcomeUnknown),
    (Answer(status=503, headers={"Retry-After": "5"}), OutcomeUnknown),
    (Answer(status=408), OutcomeUnknown),
    (Answer(status=429, headers={"Retry-After": "5"}), TemporaryError),
    (Answer(status=401), AuthError),
    (Answer(status=403), AuthError),
    (Answer(status=400), PermanentError),
    (Answer(status=404), NotFound),
    (Answer(status=409), PermanentError),
    (Answer(status=302, headers={"Location": "/other"}), PermanentError),
    (Answer(status=308, headers={"Location": "/other"}), PermanentError),
]


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(("answer", "kind"), WRITE_FAULTS, ids=lambda value: str(getattr(value, "status", "")))
async def test_a_write_is_one_request(server: Loopback, method: str, answer: Answer, kind: type[SourceError]) -> None:
    server.answer = answer
    async with Http(allow_private=LOOPBACK, total=0.3 if answer.hang else 20) as session:
        with pytest.raises(SourceError) as caught:
            await session.send(method, server.url(), body=b"x")
    assert type(caught.value) is kind
    assert len(server.asked) == 1
    if isinstance(caught.value, TemporaryError):
        assert caught.value.retry_after == 5


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_accepted_and_dropped(method: str) -> None:
    requests = []

    async def drop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async with await asyncio.start_server(drop, "127.0.0.1", 0) as server, Http(allow_private=LOOPBACK) as session:
        with pytest.raises(OutcomeUnknown):
            await session.send(method, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", body=b"x")
        assert len(requests) == 1


async def test_a_write_uses_no_connection_twice(server: Loopback, session: Http) -> None:
    await session.send("POST", server.url())
    await session.send("POST", server.url())
    assert [asked.headers.get("Connection") for asked in server.asked] == ["close", "close"]


# ---- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("tls") / "self-signed.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    try:
        subprocess.run(
            [*command.split(), "-keyout", file, "-out", file.with_suffix(".crt")], check=True, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("making a certificate needs the openssl command")
    return file


async def test_untrusted_certificate(certificate: Path, session: Http) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
    requests = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read())

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(TemporaryError, match="certificate is not to be trusted"):
            await session.get(url)
        with pytest.raises(TemporaryError, match="certificate is not to be trusted"):
            await session.send("POST", url, body=b"x")
    assert not requests


async def test_plain_server_under_https(server: Loopback, session: Http) -> None:
    with pytest.raises(TemporaryError, match="no secure connection"):
        await session.get(server.url().replace("http:", "https:"))


async def test_statuses_that_the_caller_understands(server: Loopback) -> None:
    server.answer = Answer(b'{"title": "no credits"}', status=402, headers={"X-Rate": "7"})
    async with Http(allow_private=LOOPBACK) as session:
        for response in (
            await session.get(server.url("/"), also=(402,)),
            await session.send("POST", server.url("/"), also=(402,)),
        ):
            assert (response.status, response.json(), response.headers["X-Rate"]) == (402, {"title": "no credits"}, "7")
        with pytest.raises(PermanentError):
            await session.get(server.url("/"), also=(403,))
        with pytest.raises(PermanentError):
            await session.send("POST", server.url("/"))


async def test_a_writes_5xx_is_never_understood(server: Loopback) -> None:
    server.answer = Answer(status=503)
    async with Http(allow_private=LOOPBACK) as session:
        with pytest.raises(OutcomeUnknown):
            await session.send("POST", server.url("/"), also=(503,))
