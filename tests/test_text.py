import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import LIMIT, canonical_url, clean, clip, fold, html_to_text, masked_url, one_line

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))  # halves of surrogate pairs included


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("  Dobrý \t deň \r\n\r\n\r\n\r\n ďakujem\u00a0pekne \n", "Dobrý deň\n\nďakujem pekne"),
        ("a\u0000b\u0007c\x1b[31md", "abc[31md"),
        ("zaplatte \u202eknab\u202c \u2066ihned\u2069", "zaplatte knab ihned"),
        ("c\u030cistota", "čistota"),
        ("\ud83dpol\udc00 páru", "pol páru"),
        ("riadok\u2028druhý\x85tretí", "riadok\ndruhý\ntretí"),
        ("skry\u200bté\ufeff sl\u00adovo\U000e0041", "skryté slovo"),
        ("👩\u200d👧 rodina", "👩\u200d👧 rodina"),
        ("", ""),
    ],
)
def test_clean(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@given(ANY_TEXT)
def test_clean_text_is_clean(raw: str) -> None:
    text = clean(raw)
    assert clean(text) == text
    text.encode()  # raises for half a surrogate pair
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in text.replace("\n", ""))
    assert unicodedata.is_normalized("NFC", text)


@given(ANY_TEXT)
def test_no_html_is_too_broken(raw: str) -> None:
    for html in (raw, f"<p>{raw}", f"<{raw}>", f"&{raw};<!--{raw}"):
        assert html_to_text(html).encode() is not None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Prvý.</p><p>Druhý &amp; tretí.</p>", "Prvý.\n\nDruhý & tretí."),
        ("a<br>b<br/>c <br> <br> d", "a\nb\nc\n\nd"),
        ("<ul><li>jeden</li><li>dva</li></ul>", "jeden\ndva"),
        ("<script>alert(1)</script>Dobré<style>p{}</style>", "Dobré"),
        ("cena &lt; 5 &amp;&nbsp;nie viac", "cena < 5 & nie viac"),
        ("<div>za<b>slo</b>vom\n  ostatné</div>", "zaslovom ostatné"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("5 < 6 a 7 > 6", "5 < 6 a 7 > 6"),
        ("obyčajný text", "obyčajný text"),
        ("<p>neuzavretý <i>text", "neuzavretý text"),
        ("<!-- nič -->", ""),
    ],
)
def test_html_to_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


@pytest.mark.parametrize(
    "hostile",
    [
        "<div>" * 200_000,
        "&" * 500_000,
        "<!--" * 200_000,
        "<a " + "b=c " * 200_000,
        "a" + "\u0301\u0316" * 200_000,
        " \n" * 400_000,
    ],
    ids=["nested", "entities", "comments", "attributes", "marks", "gaps"],
)
def test_hostile_text_costs_little(hostile: str) -> None:
    started = time.process_time()
    html_to_text(hostile)
    clean(hostile)
    fold(hostile)
    one_line(hostile)
    assert time.process_time() - started < 5


def test_clip() -> None:
    assert clip("krátke", 6) == "krátke"
    assert clip("priveľmi dlhé", 9) == "priveľmi…"
    assert clip("e\u0301" * 5, 4) == "e\u0301…", "a letter keeps its marks or goes with them"
    assert len(clean("x" * 5 * LIMIT)) == LIMIT


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://Shop.Example/A?utm_source=x&b=1&fbclid=2#c-5", "https://shop.example/A?b=1#c-5"),
        ("https://www.google.com/url?rct=j&url=https://blog.example/a%3Fb%3D1&ct=ga", "https://blog.example/a?b=1"),
        ("https://google.sk/url?q=http://blog.example/", "http://blog.example/"),
        ("https://www.google.com/url?url=javascript:alert(1)", "https://www.google.com/url?url=javascript:alert(1)"),
        (
            "https://google.com.evil.example/url?url=https://a.example",
            "https://google.com.evil.example/url?url=https://a.example",
        ),
        ("https://user:pass@shop.example/", "https://shop.example/"),
        ("http://shop.example:80/", "http://shop.example/"),
        ("https://shop.example:8443/", "https://shop.example:8443/"),
        ("https://shop.example/č ď\"'<>", "https://shop.example/čď%22%27%3C%3E"),
        (" https://shop.example/a\nb ", "https://shop.example/ab"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//shop.example/", ""),
        ("https://", ""),
        ("https://[", ""),
        ("https://shop.example:99999/", ""),
        ("https://shop.example/" + "a" * 3000, ""),
        ("", ""),
    ],
)
def test_canonical_url(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(ANY_TEXT)
def test_canonical_urls_are_safe_to_show(raw: str) -> None:
    for url in (raw, f"https://a.example/{raw}", f"https://{raw}/"):
        result = canonical_url(url)
        assert result == "" or result.startswith(("http://", "https://"))
        assert not set(result) & set("\"'<> \n\r\0")
        assert canonical_url(result) == result or "google" in result
        assert masked_url(url).encode()


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (
            "https://a:b@shop.example/export.php?key=0123456789abcdef&from=1",
            "https://shop.example/export.php?key=***&from=***",
        ),
        ("https://shop.example/feed?tajne", "https://shop.example/feed?***"),
        ("https://hooks.example/in/AbCdEf0123456789xyzXYZ/x", "https://hooks.example/in/***/x"),
        ("https://shop.example/nasa-nova-kolekcia-stanov", "https://shop.example/nasa-nova-kolekcia-stanov"),
        ("postgres://a:b@c/d", "(an address that is not http or https)"),
    ],
)
def test_masked_url(url: str, masked: str) -> None:
    assert masked_url(url) == masked


def test_fold() -> None:
    assert fold("Příšerně žluťoučký KŮŇ!") == fold("priserne zlutoucky kun") == "prisernezlutouckykun"
    assert fold("Straße 5 ﬁnále") == "strasse5finale"
    assert fold("👍 !!!") == ""
