"""Which terms a text holds: case forms of three languages, what looks like them, and what takes them back."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import LIMIT
from monitor.watch.patterns import Pattern
from monitor.watch.terms import Found, Terms
from tests.watch_sentences import NAMED, NOT_NAMED, of

BRANDS = ["Alza", "Mall", "Kaviareň U Zlatej husi", "Dr. Max", "@shop", "#značka", "GLS", '"Sme"', "alza.cz", "Disney+"]
# letters, odd shapes and signs that texts of customers and of mischief are made of
TEXTS = st.lists(
    st.sampled_from(
        [
            *BRANDS,
            "Alz",
            "a",
            "y",
            "ou",
            "nál",
            "Sme",
            "́",
            "​",
            "ﬁ",
            "ﷺ",
            "𝐀𝐥𝐳𝐚",
            "Ａ",
            "ß",
            "İ",
            "❤️",
            "-",
            "'",
            ".",
            " ",
            "\n",
        ]
    )
    | st.text(max_size=3),
    max_size=12,
).map("".join)
ANYTHING = st.from_regex(r"[@#\"]?[^\W_][\w .&+'-]{0,12}\"?", fullmatch=True)
TERMS = st.lists(st.sampled_from(BRANDS) | ANYTHING, max_size=5)


def found(terms: list[str], text: str, **options: list[str]) -> list[str]:
    return [text[one.start : one.end] for one in Terms(terms, **options).look(text).found]


@pytest.mark.parametrize(("term", "sentence"), of(NAMED))
def test_a_name_is_found_in_every_form(term: str, sentence: str) -> None:
    text = re.sub(r"[{}]", "", sentence)
    dotless = [one.rstrip(".").replace("’s", "") if term == "Alza" else one.rstrip(".") for one in marked(sentence)]
    assert found([term], text) == dotless


@pytest.mark.parametrize(("term", "sentence"), of(NOT_NAMED))
def test_what_only_looks_like_a_name_is_not_found(term: str, sentence: str) -> None:
    assert found([term], sentence) == []


def marked(sentence: str) -> list[str]:
    return re.findall(r"\{(.*?)\}", sentence)


def test_there_are_enough_of_both() -> None:
    assert sum(len(marked(sentence)) for _, sentence in of(NAMED)) >= 150
    assert len(of(NOT_NAMED)) >= 150


@pytest.mark.parametrize(
    "written",
    ["Kaviaren\u030c", "K\u00adaviareň", "Ka\u200bviareň", "Ｋａｖｉａｒｅｎ", "𝐊𝐚𝐯𝐢𝐚𝐫𝐞𝐧", "KAVIAREŇ", "kaviareń"],
    ids=["decomposed", "soft hyphen", "zero width", "full width", "mathematical", "capitals", "wrong accent"],
)
def test_other_shapes_of_letters_make_no_difference(written: str) -> None:
    text = f"Ó, {written}! Ďakujem 🙂"
    assert found(["Kaviareň"], text) == [written]


def test_a_term_may_itself_be_written_without_accents_or_decomposed() -> None:
    text = "V kaviarni U Zlatej husi"
    for term in ("kaviaren u zlatej husi", unicodedata.normalize("NFD", "Kaviareň U Zlatej husi")):
        assert found([term], text) == ["kaviarni U Zlatej husi"]


def test_endings_are_only_those_of_the_languages_that_are_configured() -> None:
    text = "Alzy, Alze, Alzának, Alza's"
    assert found(["Alza"], text, languages=["hu"]) == ["Alzának", "Alza"]
    assert found(["Alza"], text, languages=["cs"]) == ["Alzy", "Alze", "Alza"]
    assert found(["Alza"], text, languages=["en"]) == ["Alza"]


def test_it_says_which_term_it_was_and_the_longest_one_of_several() -> None:
    look = Terms(["Zlatá", "Zlatá hus", "husa"]).look("Zlatej husi, huse a zlatá")
    assert look.found == (Found("Zlatá hus", 0, 11), Found("husa", 13, 17), Found("Zlatá", 20, 25))


def test_an_exclusion_that_holds_a_term_takes_out_that_place_only() -> None:
    exclude = ["mall of america"]
    assert found(["Mall"], "The Mall of America is big", exclude=exclude) == []
    assert found(["Mall"], "Mall of America, a na Malle nič", exclude=exclude) == ["Malle"]


def test_any_other_exclusion_takes_out_the_whole_text() -> None:
    look = Terms(["Alza"], exclude=["kasíno"]).look("Na Alze nič, v kasíne všetko")
    assert (look.found, [one.term for one in look.excluded]) == ((), ["kasíno"])
    assert found(["Alza"], "Na Alze nič", exclude=["kasíno"]) == ["Alze"]


def test_an_exclusion_without_a_term_beside_it_says_nothing() -> None:
    assert Terms(["Alza"], exclude=["kasíno"]).look("v kasíne").excluded == ()


@given(terms=TERMS, exclude=TERMS, text=TEXTS)
def test_whatever_comes_nothing_is_raised_and_places_lie_in_the_text(
    terms: list[str], exclude: list[str], text: str
) -> None:
    look = Terms(terms, exclude=exclude, patterns=["z[lł]at"]).look(text)
    for one in (*look.found, *look.excluded):
        assert 0 <= one.start < one.end <= len(text)
        assert one.term in terms or one.term in exclude or one.term == "z[lł]at"
    assert [one.start for one in look.found] == sorted(one.start for one in look.found)


@given(terms=TERMS, exclude=TERMS, more=TERMS, text=TEXTS)
def test_one_more_exclusion_never_finds_more(terms: list[str], exclude: list[str], more: list[str], text: str) -> None:
    before = {(one.start, one.end) for one in Terms(terms, exclude=exclude).look(text).found}
    after = [(one.start, one.end) for one in Terms(terms, exclude=[*exclude, *more]).look(text).found]
    if not before:
        assert after == []
    for start, end in after:
        assert any(start < other_end and other_start < end for other_start, other_end in before)


@given(text=TEXTS)
def test_a_whole_word_is_found_however_it_is_composed(text: str) -> None:
    spaced = f"{text} Kaviareň {text}"
    for form in ("NFC", "NFD"):
        assert "Kaviareň" in {
            unicodedata.normalize("NFC", one) for one in found(["Kaviareň"], unicodedata.normalize(form, spaced))
        }


def test_patterns_are_looked_for_without_accents_and_case() -> None:
    assert found([], "Tá ČAJOVŇA pri parku", patterns=[r"\bčajov\w*"]) == ["ČAJOVŇA"]
    assert found(["Alza"], "shop24 a Alza", patterns=[r"\bshop\d+"]) == ["shop24", "Alza"]
    assert found([], "Niečo iné", patterns=[r"\bčajov\w*"]) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(čaj", "missing )"),
        ("[z-a]", "invalid character class range"),
        ("(?=čaj)x", "look-arounds"),
        (r"(.)\1", "references back"),
        ("x*", "would take everything"),
        ("(a{50}){50}", "repetition size"),
        ("a{999}b{99}", "too large"),
        ("*", "no argument for repetition"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_told(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|aa)+$b", "(.*a){12}b", "(a?){90}a{90}b", "(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_no_pattern_stalls(pattern: str) -> None:
    """An engine that tries again and again would need longer than the world has existed."""
    assert Pattern(pattern).span("a" * LIMIT + "!") is None


@given(terms=TERMS, text=TEXTS)
def test_what_is_looked_at_in_haste_is_not_missed(terms: list[str], text: str) -> None:
    """A pattern has every text read in full."""
    for said in (text, text.swapcase(), unicodedata.normalize("NFD", text)):
        assert Terms(terms).look(said).found == Terms(terms, patterns=["q{9}"]).look(said).found
