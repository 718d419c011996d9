"""Which language a text is in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from monitor.errors import ModelUnusable
from monitor.language import identify, identify_many
from monitor.language_model import LanguageModel, fit, shipped

HOME = ("sk", "cs", "hu", "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Balík prišiel roztrhnutý a nikto mi nevie povedať prečo.", "sk"),
        ("Zásilka přišla roztržená a nikdo mi neumí říct proč.", "cs"),
        ("A csomag szakadtan érkezett, és senki sem tudja, miért.", "hu"),
        ("The parcel arrived torn and nobody can tell me why.", "en"),
        ("dakujem velmi pekne, tovar dorazil skoro", "sk"),
        ("dekuji moc, zbozi dorazilo driv nez jsem cekala", "cs"),
        ("koszonom szepen, gyorsan megerkezett a csomag", "hu"),
    ],
)
def test_tells_the_four_languages_apart(text: str, language: str) -> None:
    assert identify(text, HOME) == language


@pytest.mark.parametrize(
    "text",
    [
        "Посылка пришла порванной, и никто не знает почему.",
        "Η παράδοση άργησε πολύ και κανείς δεν απαντά.",
        "包裹到的时候已经坏了，没有人回复我。",
        "Die Lieferung kam beschädigt an und niemand antwortet auf meine Nachrichten.",
        "Le colis est arrivé déchiré et personne ne répond à mes messages.",
    ],
)
def test_a_language_that_is_not_configured_is_not_forced_into_one(text: str) -> None:
    assert identify(text, HOME) == ""


def test_a_configured_cyrillic_language_is_found() -> None:
    assert identify("Посылка пришла порванной, и никто не знает почему.", ("sk", "ru")) == "ru"


@pytest.mark.parametrize("text", ["", "👍👍", "!!! :-)", "5/5", "ok"])
def test_without_letters_the_hint_decides(text: str) -> None:
    assert identify(text, HOME, hint="hu") == "hu"
    assert identify(text, HOME) == ""


def test_a_hint_outside_of_the_configured_languages_is_not_believed() -> None:
    assert identify("👍", HOME, hint="de") == ""


def test_the_text_outweighs_a_wrong_hint() -> None:
    assert identify("The parcel arrived torn and nobody can tell me why.", HOME, hint="sk") == "en"


def test_a_language_that_the_model_does_not_know_is_taken_from_the_source() -> None:
    assert identify("Посилка прийшла порваною, і ніхто не знає чому.", ("uk", "sk"), hint="uk") == "uk"


def test_handles_and_links_say_nothing() -> None:
    assert identify("@the_customer_service https://example.com/where/is/my/order Kde je môj balík?", HOME) == "sk"


def test_many_are_the_same_as_one_by_one() -> None:
    texts = ["Kde je môj balík?", "Kde je můj balíček?", "", "Hol a csomagom?", "Where is my parcel?"]
    assert identify_many(texts, HOME, [""] * 5) == [identify(text, HOME) for text in texts]
    assert identify_many([], HOME, []) == []


def test_threads_with_different_languages_do_not_disturb_each_other() -> None:
    texts = {"sk": "Volal som na linku trikrát.", "cs": "Volal jsem na linku třikrát."}
    found: dict[str, set[str]] = {code: set() for code in texts}

    def ask(code: str) -> None:
        for _ in range(50):
            found[code].add(identify(texts[code], (code, "en")))

    threads = [threading.Thread(target=ask, args=(code,)) for code in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"sk": {"sk"}, "cs": {"cs"}}


def test_lone_surrogates_and_very_long_texts_do_no_harm() -> None:
    assert identify("Kde je môj balík? \ud800", HOME) == "sk"
    assert identify("Kde je môj balík? " * 20_000, HOME) == "sk"


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "language.npz"
    shipped().save(path)
    whole = path.read_bytes()
    for spoiled in (b"", whole[:1000], whole[: len(whole) // 2], b"not a model" * 100):
        path.write_bytes(spoiled)
        with pytest.raises(ModelUnusable, match=r"language\.npz"):
            LanguageModel.load(path)


def test_a_model_survives_the_file(tmp_path: Path) -> None:
    model = fit(["dobrý deň priatelia", "good day my friends"], ["sk", "en"])
    model.save(tmp_path / "small.npz")
    again = LanguageModel.load(tmp_path / "small.npz")
    assert again.languages == ("en", "sk")
    assert (again.scores(["dobrý deň"]) == model.scores(["dobrý deň"])).all()


@pytest.mark.parametrize(("word", "hint"), [("ujde", "sk"), ("ujde", "cs"), ("super", "hu"), ("Fajn!", "sk")])
def test_the_source_decides_the_language_of_a_single_word(word: str, hint: str) -> None:
    assert identify(word, ["sk", "cs", "hu", "en"], hint=hint) == hint
