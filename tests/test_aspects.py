"""What a text is about."""

from __future__ import annotations

import pytest

from monitor.classify.aspects import find

ASPECTS = {"delivery", "product", "price", "staff", "refund", "web", "communication", "availability"}


@pytest.mark.parametrize(
    ("text", "language", "names"),
    [
        ("Kuriér mal meškanie a peniaze mi nevrátili.", "sk", ["delivery", "refund"]),
        ("Predavačka bola neochotná, cena premrštená.", "sk", ["staff", "price"]),
        ("Na e-mail nikdo neodpověděl a zboží není skladem.", "cs", ["communication", "product", "availability"]),
        ("A futár késett, a termék hibás volt.", "hu", ["delivery", "product"]),
        ("The app crashes and the staff were rude.", "en", ["web", "staff"]),
        ("Nothing of this kind here", "en", []),
        ("", "sk", []),
    ],
)
def test_names_what_the_text_is_about(text: str, language: str, names: list[str]) -> None:
    found = [aspect.name for aspect in find(text, language)]
    assert [name for name in found if name in names] == names
    assert set(found) <= ASPECTS
    assert bool(found) == bool(names)


def test_shows_the_words_as_they_were_written() -> None:
    (aspect,) = find("Doručenie DORUČENIE doruceny", "sk")
    assert aspect.words == ("doručenie", "doruceny")


def test_diacritics_do_not_matter() -> None:
    assert find("kurier", "sk")[0].name == find("kuriér", "sk")[0].name == "delivery"


def test_only_beginnings_of_words_count() -> None:
    assert find("nadoručovaný", "sk") == ()


def test_an_unknown_language_is_tried_with_all_lexicons() -> None:
    assert {aspect.name for aspect in find("the courier, refund, skladom", "")} == {
        "delivery",
        "refund",
        "availability",
    }
