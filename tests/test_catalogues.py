"""The page's words: every one translated, every translation well-formed, what is compiled is what is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages import extract
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from monitor.model import DraftState, Finding, Priority, Reason
from monitor.store.views import TABS
from monitor.triage import REASON_CODES
from responders.codes import CODES, REJECTION_REASONS
from responders.guard import RULES
from responders.words import LANGUAGES, LOCALE, Words, catalogue
from tests.made import NOON

TRANSLATED = [language for language in LANGUAGES if language != "en"]
MAILED = ("de", "pl")
CODES_IN_MAILS = (
    "label",
    "priority",
    "urgency",
    "state",
    "status",
    "aspect",
    "verdict",
    "rule",
    "part",
    "notice",
    "cause",
)
BRATISLAVA = ZoneInfo("Europe/Bratislava")
Id = str | Sequence[str]


@cache
def messages_of_the_code() -> frozenset[Id]:
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    keywords = extract.DEFAULT_KEYWORDS | {"say": None, "count": (1, 2)}
    options = {"**/templates/**.html": {"silent": "0"}}
    found = extract.extract_from_dir(str(LOCALE.parent), methods, options_map=options, keywords=keywords)
    return frozenset(message if isinstance(message, str) else tuple(message[:2]) for _, _, message, _, _ in found)


def written(language: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / "ohlas.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def forms(text: Id) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def said(message: Message) -> tuple[str, ...]:
    """The translation; nothing for the header, and where there is none yet, as in languages that only mails are in."""
    found = forms(message.string)
    return found if message.id and all(found) else ()


def test_every_message_is_found_by_what_makes_the_catalogues() -> None:
    """It does not look into f-strings: what is said only there would never be translated."""
    hidden = {said for file in LOCALE.parent.rglob("*.py") for said in spoken(file)} - messages_of_the_code()
    assert hidden == set(), "say it outside of the f-string"


def spoken(file: Path) -> Iterator[Id]:
    """What is said in a module, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("say", "count"):
            written = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if node.func.attr == "count" and len(written) == 2:
                yield (written[0], written[1])
            elif node.func.attr == "say" and written:
                yield written[0]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated(language: str) -> None:
    known = {message.id: message for message in written(language) if message.id}
    assert set(known) == messages_of_the_code()
    for message in known.values():
        assert not message.fuzzy, message.id
        assert all(form.strip() for form in forms(message.string)), message.id


@pytest.mark.parametrize("language", MAILED)
def test_mails_are_in_more_languages_than_the_page(language: str) -> None:
    """Mails go to colleagues in Germany and Poland, too: all that is said in one is translated for them."""
    options = {"**.py": {}}
    keywords = extract.DEFAULT_KEYWORDS | {"say": None, "count": (1, 2)}
    found = extract.extract_from_dir(
        str(LOCALE.parent / "mail"), [("**.py", "python")], options_map=options, keywords=keywords
    )
    said: set[Id] = {message if isinstance(message, str) else tuple(message[:2]) for _, _, message, _, _ in found}
    said |= {words for family in CODES_IN_MAILS for words in CODES[family].values()}
    known = {message.id: forms(message.string) for message in written(language) if message.id}
    lacking = {message for message in said if not all(known.get(message, ("",)))}
    assert lacking == set()


@pytest.mark.parametrize("language", [*TRANSLATED, *MAILED])
def test_translations_keep_the_places_for_values(language: str) -> None:
    for message in written(language):
        wanted = {place for form in forms(message.id) for place in re.findall(r"%\(\w+\)s", form)}
        for number, form in enumerate(said(message)):
            found = set(re.findall(r"%\(\w+\)s", form))
            only_one = isinstance(message.id, tuple) and number == 0  # "once" needs no number
            assert found == wanted or (only_one and found < wanted), message.id
            assert "%" not in re.sub(r"%\(\w+\)s", "", form) or "%" in str(message.id), message.id


@pytest.mark.parametrize("language", [*TRANSLATED, *MAILED])
def test_translations_end_and_begin_like_the_original(language: str) -> None:
    for message in written(language):
        for original, form in zip(forms(message.id), said(message), strict=False):
            if not original:
                continue
            assert (original[-1] in ".:") == (form[-1] in ".:"), (original, form)
            assert form == form.strip() and "  " not in form


@pytest.mark.parametrize("language", [*TRANSLATED, *MAILED])
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    folder: Path = LOCALE / language / "LC_MESSAGES"
    with (folder / "ohlas.mo").open("rb") as file:
        compiled = {forms(message.id): forms(message.string) for message in read_mo(file) if message.id}
    translated = {forms(message.id): said(message) for message in written(language) if said(message)}
    assert translated.items() <= compiled.items() and (language in MAILED or compiled == translated)


def test_plural_forms() -> None:
    def said(language: str) -> list[str]:
        words = Words(language, BRATISLAVA)
        return [words.count("%(number)s draft found", "%(number)s drafts found", n) for n in (0, 1, 2, 4, 5, 22)]

    assert [text.split()[-1] for text in said("sk")] == ["návrhov", "návrh", "návrhy", "návrhy", "návrhov", "návrhov"]
    assert [text.split()[-1] for text in said("cs")] == ["návrhů", "návrh", "návrhy", "návrhy", "návrhů", "návrhů"]
    assert {text.split()[-1] for text in said("hu")} == {"találat"}
    assert [text.split()[-1] for text in said("en")] == ["found"] * 6 and said("en")[1] == "1 draft found"
    edited = Words("hu", BRATISLAVA).count(
        "The customer edited this once", "The customer edited this %(number)s times", 1
    )
    assert edited == "A vásárló egyszer módosította"


@pytest.mark.parametrize(
    ("family", "codes"),
    [
        ("triage", set(REASON_CODES)),
        ("rule", set(RULES)),
        ("state", {state.value for state in DraftState}),
        ("tab", set(TABS)),
        ("priority", {str(priority.value) for priority in Priority}),
        ("status", {"new", "ok", "failing", "stopped"}),
        ("action", {"approve", "edit", "reject", "undo", "posted", "not_posted"}),
    ],
)
def test_every_code_has_words(family: str, codes: set[str]) -> None:
    assert codes <= set(CODES[family])


def test_codes_without_words_are_shown_as_they_are() -> None:
    words = Words("sk", BRATISLAVA)
    assert words.code("triage", "brand_new") == "brand_new"
    assert words.reason("triage", Reason(code="low_stars", detail="2")).endswith("hviezdičky: 2")
    assert words.reason("triage", Reason(code="", detail="only a detail")) == "only a detail"
    assert words.finding(Finding(rule="brand_new", severity="error", message="As said.")) == "As said."


def test_reasons_of_the_audit_list_are_read_back() -> None:
    words = Words("cs", BRATISLAVA)
    assert set(REJECTION_REASONS) <= set(CODES["why"])
    assert words.why("handled: telefonem: v pondělí") == "Vyřízeno jinak: telefonem: v pondělí"
    assert words.why("just words") == "just words"
    assert words.why("overrides too_long, brand_new").endswith("delší, než platforma přijme, brand_new")


@pytest.mark.parametrize(
    ("language", "moment", "span", "percent"),
    [
        ("en", "21 Nov 2026, 13:00:00", "3 hrs", "93%"),
        ("sk", "21. 11. 2026, 13:00:00", "3 h", "93 %"),
        ("cs", "21. 11. 2026 13:00:00", "3 h", "93 %"),
        ("hu", "2026. nov. 21. 13:00:00", "3 ó", "93%"),
    ],
)
def test_dates_and_numbers_follow_the_reader(language: str, moment: str, span: str, percent: str) -> None:
    words = Words(language, BRATISLAVA)
    assert words.moment(NOON) == moment
    assert words.span(timedelta(hours=3)) == span
    assert words.percent(0.93).replace("\N{NO-BREAK SPACE}", " ") == percent
    assert words.language_name("hu") and words.language_name("x-klingon!") == "x-klingon!"


def test_english_needs_no_catalogue() -> None:
    assert catalogue("en").gettext("Inbox") == "Inbox"
    with pytest.raises(FileNotFoundError):
        catalogue("fr")
