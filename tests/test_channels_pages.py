"""Looks at pages, profiles and forms: servers that are gone, walled, slow, huge, expired, or only look fine."""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from monitor.channel_options import FormCheck, PageCheck
from monitor.channels.certificates import noting
from monitor.channels.pages import Visitor, missing_address
from monitor.http import Http
from monitor.liveness import Seen
from responders.channel_codes import CHANNEL_CODES
from tests.loopback import LOOPBACK, Answer, Asked, Loopback

CONTACT = """<html><head><title>Kontakt | Svrčina</title></head><body><nav>Stany Spacáky Variče Košík Prihlásenie</nav>
<h1>Kontakt</h1><p>Napíšte nám na pomoc@svrcina.example alebo zavolajte na +421 900 123 456, každý pracovný deň od
ôsmej do štvrtej. Predajňa: Lesná 5, Žilina. Radi vám poradíme so stanom, spacákom aj varičom.</p></body></html>"""
MISSING = """<html><head><title>Stránka sa nenašla</title></head><body><h1>Hups</h1></body></html>"""
NAMELESS = CONTACT.replace("<title>Kontakt | Svrčina</title>", "<title>Svrčina</title>").replace("Kontakt", "Svrčina")
FORM = '<form action="/send" method="post"><input name="email" type="email"><textarea name="message"></textarea></form>'
CAPTCHA = '<div class="g-recaptcha"></div><script src="https://www.google.com/recaptcha/api.js"></script>'
SHELL = "<title>Svrčina</title><div id=app></div><script src=/app.js></script>"
OLD = Answer(CONTACT.encode("cp1250"), 200, {"Content-Type": "text/html; charset=windows-1250"})
SEARCH = '<form action="/find"><input name="q"></form>'


def served(pages: dict[str, str | Answer], missing: Answer | None = None) -> Callable[[Asked], Answer]:
    """Pages by path; anything else is an honest 404, or `missing`."""

    def answer(asked: Asked) -> Answer:
        found = pages.get(asked.path, missing or Answer(b"not here", 404))
        return found if isinstance(found, Answer) else html(found)

    return answer


def html(text: str, status: int = 200) -> Answer:
    return Answer(text.encode(), status, {"Content-Type": "text/html; charset=utf-8"})


@asynccontextmanager
async def visiting(trust: ssl.SSLContext | None = None, total: float = 10.0) -> AsyncIterator[Visitor]:
    ends: dict[str, datetime] = {}
    async with Http(allow_private=LOOPBACK, total=total, max_body=2**20, trust=noting(ends, trust)) as http:
        yield Visitor(http, ends, lambda: datetime.now(UTC))


def said(seen: Seen) -> tuple[str, str]:
    """With words for every code."""
    assert not seen.code or seen.code in CHANNEL_CODES["channel_why"]
    return seen.verdict, seen.code


@pytest.mark.parametrize(
    ("answer", "text", "verdict"),
    [
        (html(CONTACT), "", ("works", "")),
        (html(CONTACT), "+421 900 123456", ("works", "")),
        (html(CONTACT), "POMOC@svrcina.example", ("works", "")),
        (html(CONTACT), "iný text", ("broken", "text_missing")),
        (html(MISSING), "", ("broken", "not_found_text")),
        (html(MISSING), "pomoc", ("broken", "not_found_text")),
        (html("<title>404</title>", 404), "", ("broken", "gone")),
        (html("", 410), "", ("broken", "gone")),
        (html("", 503), "", ("broken", "server_error")),
        (html("", 403), "", ("unsure", "refused")),
        (html("<title>Just a moment...</title>"), "", ("unsure", "wall")),
        (html("<h1>Prebieha údržba</h1><p>Vrátime sa o chvíľu."), "", ("broken", "maintenance")),
        (html("<h1>Az oldal karbantartás alatt</h1>"), "", ("broken", "maintenance")),
        (html("<p>Táto doména je na predaj.</p>"), "", ("broken", "parked")),
        (
            html("<title>Svrčina</title><div id=app></div><script src=/app.js></script>"),
            "",
            ("unsure", "drawn_by_scripts"),
        ),
        (Answer(b"x" * 3_000_000), "", ("unsure", "too_large")),
        (Answer(b"", 302, {"Location": "/kontakt"}), "", ("broken", "redirects")),
        (
            Answer(CONTACT.encode("cp1250"), 200, {"Content-Type": "text/html; charset=windows-1250"}),
            "Lesná 5",
            ("works", ""),
        ),
    ],
)
async def test_a_page_is_judged(server: Loopback, answer: Answer, text: str, verdict: tuple[str, str]) -> None:
    server.answer = served({"/kontakt": answer})
    async with visiting() as visitor:
        assert said(await visitor.page(PageCheck(url=f"{server.origin}/kontakt", text=text))) == verdict


@pytest.mark.parametrize("missing", [html(NAMELESS), Answer(b"", 302, {"Location": "/"})])
async def test_a_page_that_is_the_same_as_a_missing_one_is_missing(server: Loopback, missing: Answer) -> None:
    """A shop that answers 200 with its front page, or sends to it, whatever is asked for."""
    server.answer = served({"/": NAMELESS}, missing)
    async with visiting() as visitor:
        assert said(await visitor.page(PageCheck(url=f"{server.origin}/kontakt"))) == ("broken", "same_as_missing")
        server.answer = served({"/": NAMELESS, "/kontakt": CONTACT}, missing)
        assert said(await visitor.page(PageCheck(url=f"{server.origin}/kontakt"))) == ("works", "")


async def test_words_that_must_stand_there_take_one_request(server: Loopback) -> None:
    server.answer = served({"/kontakt": CONTACT})
    async with visiting() as visitor:
        await visitor.page(PageCheck(url=f"{server.origin}/kontakt", text="pomoc"))
    assert [asked.path for asked in server.asked] == ["/kontakt"]


async def test_a_page_that_never_comes_is_slow_and_one_without_a_server_does_not_answer(server: Loopback) -> None:
    server.answer = Answer(hang=True)
    async with visiting(total=0.2) as visitor:
        slow = await visitor.page(PageCheck(url=f"{server.origin}/kontakt"))
        gone = await visitor.page(PageCheck(url="http://127.0.0.1:9/kontakt"))
    assert (said(slow), slow.network) == (("broken", "slow"), True)
    assert (said(gone), gone.network) == (("broken", "no_answer"), True)


async def test_a_private_address_is_not_reached_and_nothing_is_said_of_it(server: Loopback) -> None:
    async with Http(trust=noting({})) as http:
        visitor = Visitor(http, {}, lambda: datetime.now(UTC))
        assert said(await visitor.page(PageCheck(url=f"{server.origin}/"))) == ("unsure", "private")
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (html(CONTACT), ("works", "")),
        (html("", 999), ("unsure", "refused")),
        (html("", 429), ("unsure", "refused")),
        (html("", 500), ("unsure", "server_error")),
        (html("", 404), ("broken", "gone")),
        (Answer(b"", 302, {"Location": "/accounts/login/?next=/svrcina"}), ("unsure", "wall")),
        (html("<title>Page not found</title>"), ("broken", "not_found_text")),
    ],
)
async def test_a_profile_is_judged_without_the_faults_of_its_network(
    server: Loopback, answer: Answer, verdict: tuple[str, str]
) -> None:
    server.answer = served({"/svrcina": answer, "/accounts/login/?next=/svrcina": "<title>Log in</title>"})
    async with visiting() as visitor:
        assert said(await visitor.profile(f"{server.origin}/svrcina")) == verdict


async def test_a_network_that_shows_robots_one_page_for_all_tells_nothing(server: Loopback) -> None:
    server.answer = served({}, html("<title>Network</title><p>Join us to see more."))
    async with visiting() as visitor:
        assert said(await visitor.profile(f"{server.origin}/svrcina")) == ("unsure", "same_as_missing")


@pytest.mark.parametrize(
    ("page", "fields", "verdict"),
    [
        (FORM, (), ("works", "")),
        (
            FORM + '<div class="g-recaptcha"></div><script src="https://www.google.com/recaptcha/api.js"></script>',
            (),
            ("works", ""),
        ),
        (SEARCH + FORM, ("message",), ("works", "")),
        (FORM, ("message", "phone"), ("broken", "no_field")),
        (SEARCH, (), ("broken", "no_form")),
        (
            '<form action="/send"><input type="hidden" name="a"><button>Odoslať</button></form>',
            (),
            ("broken", "form_empty"),
        ),
        ("<p>Píšte nám, kedykoľvek chcete.", (), ("broken", "no_form")),
        ('<iframe src="https://docs.google.com/forms/d/e/1/viewform"></iframe>', (), ("unsure", "form_by_script")),
        ('<iframe src="https://maps.google.com/?q=Lesná"></iframe>', (), ("broken", "no_form")),
        (FORM.replace("/send", "/gone"), (), ("broken", "action_gone")),
        (FORM.replace("/send", "/posts-only"), (), ("works", "")),
        (FORM.replace("/send", "http://127.0.0.1:9/send"), (), ("broken", "action_unreachable")),
        (FORM.replace("/send", "/breaks"), (), ("unsure", "action_unknown")),
        (FORM.replace("/send", "javascript:send()"), (), ("works", "")),
        (FORM.replace("/send", ""), (), ("works", "")),
        ("<title>Stránka nenájdená</title>", (), ("broken", "not_found_text")),
    ],
)
async def test_a_form_is_judged_and_never_submitted(
    server: Loopback, page: str, fields: tuple[str, ...], verdict: tuple[str, str]
) -> None:
    pages = served({"/napiste": page, "/send": html("", 405), "/breaks": html("", 500)})

    def answer(asked: Asked) -> Answer:
        if asked.path == "/posts-only":  # a route for POST alone, as many frameworks have it
            return Answer(b"", 200, {"Allow": "POST"}) if asked.method == "OPTIONS" else Answer(b"", 404)
        return pages(asked)

    server.answer = answer
    async with visiting() as visitor:
        assert said(await visitor.form(FormCheck(url=f"{server.origin}/napiste", fields=fields))) == verdict
    assert {asked.method for asked in server.asked} <= {"GET", "HEAD", "OPTIONS"}
    assert not any(asked.body for asked in server.asked)


@pytest.mark.parametrize(
    ("url", "like"),
    [
        ("https://shop.example/sk/kontakt", r"https://shop\.example/sk/ohlas\w+"),
        ("https://shop.example/kontakt.html", r"https://shop\.example/ohlas\w+\.html"),
        ("https://shop.example/kontakt/", r"https://shop\.example/ohlas\w+/"),
        ("https://video.example/@svrcina", r"https://video\.example/@ohlas\w+"),
        ("https://shop.example/index.php?route=contact", r"https://shop\.example/index\.php\?route=ohlas\w+"),
        ("https://shop.example/", ""),
    ],
)
def test_the_missing_address_is_like_the_one_that_is_looked_at(url: str, like: str) -> None:
    assert re.fullmatch(like, missing_address(url))


@asynccontextmanager
async def secure(folder: Path, days: int, *names: str) -> AsyncIterator[tuple[str, ssl.SSLContext]]:
    """A server whose certificate, of an authority of its own, holds for `days` from now on; its origin, and a context
    that trusts the authority."""
    _certificates(folder, days, names or ("IP:127.0.0.1",))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")

    async def show(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=CONTACT, content_type="text/html")

    runner = web.ServerRunner(web.Server(show))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}", ssl.create_default_context(cafile=folder / "ca.crt")
    finally:
        await runner.cleanup()


def _certificates(folder: Path, days: int, names: tuple[str, ...]) -> None:

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "made-up authority")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "made-up shop")])
    end, now = datetime.now(UTC) + timedelta(days=days), datetime.now(UTC)
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name[3:])) if name.startswith("IP:") else x509.DNSName(name)
        for name in names
    ]

    def made(name: x509.Name, key: ec.EllipticCurvePrivateKey, until: datetime, *, ca: bool) -> x509.Certificate:
        built = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
        built = built.not_valid_before(now - timedelta(days=60)).not_valid_after(until)
        built = built.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        if not ca:
            built = built.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return built.sign(authority, hashes.SHA256())

    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(made(issuer, authority, now + timedelta(days=90), ca=True).public_bytes(pem))
    (folder / "server.crt").write_bytes(made(subject, own, end, ca=False).public_bytes(pem))
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(key)


@pytest.mark.parametrize(
    ("days", "names", "verdict"),
    [
        (60, (), ("works", "")),
        (9, (), ("warning", "certificate_ends")),
        (-3, (), ("broken", "certificate_expired")),
        (60, ("shop.example",), ("broken", "certificate_other_host")),
    ],
)
async def test_certificates_are_looked_at(
    tmp_path: Path, days: int, names: tuple[str, ...], verdict: tuple[str, str]
) -> None:
    async with secure(tmp_path, days, *names) as (origin, trust), visiting(trust) as visitor:
        assert said(await visitor.page(PageCheck(url=f"{origin}/kontakt", text="pomoc"))) == verdict


async def test_an_unknown_authority_tells_nothing_and_no_tls_does(tmp_path: Path, server: Loopback) -> None:
    async with secure(tmp_path, 60) as (origin, _), visiting() as visitor:
        assert said(await visitor.page(PageCheck(url=f"{origin}/kontakt"))) == ("unsure", "certificate_untrusted")
        plain = server.origin.replace("http:", "https:")
        assert said(await visitor.page(PageCheck(url=f"{plain}/kontakt")))[0] == "broken"
