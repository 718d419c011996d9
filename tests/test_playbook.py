"""Playbooks: the shipped ones are whole, own ones replace them, and mistakes are told with file, key and hint."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from monitor.errors import ConfigError
from responders.playbook import ASPECTS, Playbook, Sentence, load
from responders.shipped import shipped_languages

LANGUAGES = ("cs", "de", "en", "hu", "pl", "sk")
FORMAL_WORDS = {
    "sk": r"\bV(ás|ám|ami|aš\w*|áš\w*)\b",
    "cs": r"\bV(ás|ám|ámi|aš\w*|áš\w*)\b",
    "hu": r"\bÖn\w*",
    "de": r"\b(Sie|Ihnen|Ihr\w*)\b",
    "pl": r"\bPa(n\w*|ństw\w*)\b|\{(dear|title|your|to_you|you|with_you)\}",
}
FIRST_PARTS = (("complaint", "apology"), ("praise", "thanks"), ("neutral", "body"))


def shipped_text(language: str) -> str:
    return (resources.files("responders.playbooks") / f"{language}.toml").read_text(encoding="utf-8")


def problems_of(folder: Path, text: str, language: str = "en") -> list[str]:
    (folder / f"{language}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(language, folder)
    return caught.value.problems


def bank(playbook: Playbook, group: str, part: str) -> dict[str, tuple[Sentence, ...]]:
    found: dict[str, tuple[Sentence, ...]] = getattr(getattr(playbook, group), part)
    return found


def test_every_language_is_shipped() -> None:
    assert set(shipped_languages()) >= set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_part_has_enough_variants(language: str) -> None:
    playbook = load(language)
    for group, part in (
        ("complaint", "apology"),
        ("complaint", "interest"),
        ("complaint", "ask"),
        ("complaint", "solution"),
        ("praise", "thanks"),
        ("praise", "personal"),
        ("praise", "invitation"),
        ("neutral", "body"),
    ):
        assert len(bank(playbook, group, part)["general"]) >= 6, (group, part)
    for group, part in (("complaint", "interest"), ("complaint", "solution"), ("praise", "personal")):
        for aspect in ASPECTS:
            assert len(bank(playbook, group, part)[aspect]) >= 2, (part, aspect)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("formal", [True, False])
def test_no_markup_is_left_and_every_sentence_ends(language: str, formal: bool) -> None:
    playbook = load(language, formal=formal)
    for group in (playbook.complaint, playbook.praise, playbook.neutral):
        for part in type(group).model_fields:
            found = getattr(group, part)
            for sentence in found if isinstance(found, tuple) else (one for many in found.values() for one in many):
                assert sentence.text[-1] in ".!?", sentence.text
                assert not re.search(r"[\[\]|]|\s\s|\s[.,!?]", sentence.text), sentence.text


@pytest.mark.parametrize("language", ["sk", "cs"])
def test_what_follows_the_greeting_can_begin_with_a_small_letter(language: str) -> None:
    playbook = load(language)
    for group, part in FIRST_PARTS:
        for sentences in bank(playbook, group, part).values():
            for sentence in sentences:
                assert not re.match(r"(V[áa][sšm]|Vy|Vam)\w*|\{", sentence.text), sentence.text


@pytest.mark.parametrize("language", list(FORMAL_WORDS))
def test_familiar_address_never_says_sir(language: str) -> None:
    familiar = load(language, formal=False)
    texts = str((familiar.greeting, familiar.complaint, familiar.praise, familiar.neutral))
    assert not re.search(FORMAL_WORDS[language], texts)
    assert re.search(FORMAL_WORDS[language], str(load(language)))


def test_own_file_replaces_the_shipped_one_and_keeps_the_cues(tmp_path: Path) -> None:
    own = shipped_text("sk").replace("Ďakujeme za milé slová.", "Ďakujeme, to nás teší.")
    own = own[: own.index("[guard]")]
    (tmp_path / "sk.toml").write_text(own, encoding="utf-8-sig")
    playbook = load("sk", tmp_path)
    assert any(sentence.text == "Ďakujeme, to nás teší." for sentence in playbook.praise.thanks["general"])
    assert playbook.guard == load("sk").guard


def test_a_folder_without_that_language_gives_the_shipped_one(tmp_path: Path) -> None:
    assert load("hu", tmp_path) == load("hu")


def test_a_language_without_a_playbook_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'no playbook for "xx"; shipped are .*cs.*LANGUAGE\.toml'):
        load("xx", tmp_path)


def test_a_language_is_never_taken_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text("language = 'secret'")
    with pytest.raises(ConfigError, match="no playbook"):
        load("../secret", tmp_path / "inner")


def test_broken_toml_names_file_and_line(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, 'language = "en"\n[greeting]\nnamed = ["Hello,\n')
    assert problem.startswith("en.toml:") and "line 3" in problem


def test_a_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "sk.toml").write_bytes('named = ["Dobrý deň"]'.encode("cp1250"))
    with pytest.raises(ConfigError, match="is not UTF-8; save the file again"):
        load("sk", tmp_path)


def test_every_mistake_is_told_at_once_with_key_and_hint(tmp_path: Path) -> None:
    text = (
        shipped_text("en")
        .replace("[praise.invitation]", "[praise.invitatoin]")
        .replace('offers = ["refund"]', 'offers = ["refnud"]')
        .replace("Hello {name},", "Hello {nmae},")
    )
    problems = "\n".join(problems_of(tmp_path, text))
    assert "praise.invitation: is missing" in problems
    assert 'praise.invitatoin: is not known here; did you mean "invitation"?' in problems
    assert "complaint.solution.product, sentence 5: offers: " in problems
    assert "there is nothing to fill {nmae} with; known are name, company" in problems


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("delivery = [", "delivrey = [", 'did you mean "delivery"?'),
        ('language = "en"', 'language = "sk"', "the file is called en.toml"),
        ('"Hello,"', '"Hello [you,"', "a bracket is not closed"),
        ('and = "and"\n', "", 'the word that joins two topics is missing, e.g. and = "and"'),
        ('staff = "with our staff"', 'stuff = "with our staff"', 'did you mean "staff"?'),
    ],
)
def test_single_mistakes(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    assert told in "\n".join(problems_of(tmp_path, shipped_text("en").replace(was, becomes, 1)))


def test_a_part_that_could_not_always_be_filled_is_refused(tmp_path: Path) -> None:
    text = re.sub(
        r"(\[praise\.thanks\]\ngeneral = )\[.*?\n\]", r'\1["Thank you, {name}."]', shipped_text("en"), flags=re.S
    )
    (problem,) = problems_of(tmp_path, text)
    assert "thanks: general needs at least one sentence without a {slot}" in problem


def test_values_are_put_in_as_they_are() -> None:
    assert Sentence(text="Your {product}.").fill({"product": "{name} & <b>"}) == "Your {name} & <b>."


SITUATION = """
[complaint.explanation]
"not_ours misunderstanding" = [
  { text = "You have {fact.returns}, {dear} customer.", when = ["mail"], unless = ["rude"] },
]

[forms]
dear = { woman = "Ms", man = "Mr", other = "dear" }

[waiting]
cues = ["wait"]
week = { cues = ["week"], forms = ["week", "weeks"] }

[praise.thanks]"""


def with_situations(text: str, was: str = "", becomes: str = "") -> str:
    """The English playbook without the tables of its own that SITUATION has."""
    for table in ("complaint.explanation", "forms", "waiting"):
        text = re.sub(rf"(?ms)^\[{re.escape(table)}\]$.*?(?=^\[|\Z)", "", text)
    situation = SITUATION.replace(was, becomes, 1) if was else SITUATION
    return text.replace("\n[praise.thanks]", situation, 1)


def test_sentences_for_situations_with_facts_and_forms(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text(with_situations(shipped_text("en")), encoding="utf-8")
    found = load("en", tmp_path)
    assert set(found.complaint.explanation) == {"not_ours", "misunderstanding"}
    (sentence,) = found.complaint.explanation["not_ours"]
    assert sentence.slots == {"fact.returns", "dear"} and sentence.when == ("mail",) and sentence.unless == ("rude",)
    assert not sentence.fits_always


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('["mail"]', '["male"]', 'sentence 1: when: "male" is not one of delivery'),
        ('["rude"]', '["rudde"]', 'did you mean "rude"?'),
        ("not_ours misunderstanding", "not_ours misunderstandig", 'did you mean "misunderstanding"?'),
        ("{dear}", "{deer}", "there is nothing to fill {deer} with"),
        ('dear = { woman = "Ms",', "dear = {", "forms.dear.woman: is missing"),
        ("dear = {", "name = {", '"name" is what Ohlas fills in itself; give the form another name'),
        ('cues = ["wait"]', "", "waiting: cues are missing"),
        ('forms = ["week", "weeks"]', "forms = []", "waiting.week.forms: "),
    ],
)
def test_mistakes_in_situations(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    assert told in "\n".join(problems_of(tmp_path, with_situations(shipped_text("en"), was, becomes)))


def test_what_only_sometimes_fits_does_not_make_a_part_whole(tmp_path: Path) -> None:
    once = r'\1[{ text = "Thank you.", when = ["mail"] }]'
    text = re.sub(r"(\[praise\.thanks\]\ngeneral = )\[.*?\n\]", once, shipped_text("en"), flags=re.S)
    (problem,) = problems_of(tmp_path, text)
    assert "without offers, when or unless" in problem
