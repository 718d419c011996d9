"""Reads what a language model answered, strictly: what is not plainly a reply in its parts is refused, with the code of
the reason. Pure. What passes is judged by the guard like any other text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Annotated

import regex
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from monitor.logs import mask
from monitor.text import clean
from responders.llm.model import NotWritten, Prompt

_LONGEST_PART = 900  # characters; the guard holds the whole to the platform's limit
_LEAKED = 6  # words in a row of our rules
_LETTERS_TO_JUDGE = 40
_NEIGHBOURS = frozenset({"sk", "cs"})  # too alike in a sentence; the guard looks at the whole text

_THINKING = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)
_MARKUP = re.compile(
    r"[<>{}\[\]|`\\^~*#_=]|https?:|www\.|\w\.\w{2,}/\w|(?:^|\s)(?:system|assistant|user|tool|developer)\s*:", re.I
)
_ENCODED = re.compile(
    r"[^\s]{35,}|(?=[A-Za-z0-9+/]*\d)(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{14,}"
)
_FOREIGN_LETTER = regex.compile(r"(?!\p{Latin})\p{L}")
_ITSELF = re.compile(
    r"\bprompt(?:u|om|em|y|ot|ban)?\b(?!\s+(?:reply|answer|response|action|help|delivery|solution|service|feedback))"
    r"|\b(?:large )?language model|jazykov\w+ model|model\w* językow|nyelvi modell|sprachmodell|\bchatgpt\b|\bgpt-?\d"
    r"|\bopenai\b|\bas an ai\b|\bai assistant\b|\b(?:ako|jako|als|som|jsem|jestem) (?:ai|ki)\b"
    r"|umel\w+ inteligenc|uměl\w+ inteligenc|sztuczn\w+ inteligenc|künstliche\w* intelligenz|mesterséges intelligenc"
    r"|\b(?:my|these|previous|system) (?:instructions|rules)\b|(?:systémov|předchoz)\w* (?:inštrukc|instrukc)"
    r"|systemanweisung|rendszerutasítás|instrukcj\w+ systemow",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\bI(?:'|’)?(?: a)?m (?:sorry, but I|unable to)"
    r"|\bI (?:can(?:'|’)?t|cannot|can not|won(?:'|’)t) (?:assist|help|comply|do that|write)",
    re.IGNORECASE,
)


def parse(content: str, parts: Sequence[str]) -> dict[str, str]:
    """The text of each part, on one line. Raises NotWritten: "refused", "nonsense", "empty", "too_long"."""
    text = _THINKING.sub("", content).strip()
    if fenced := _FENCED.match(text):
        text = fenced[1]
    if not text.startswith("{") and _REFUSAL.search(text):
        raise NotWritten("refused")
    try:
        model = _answer(tuple(parts)).model_validate(json.loads(text, object_pairs_hook=_once))
    except (ValueError, RecursionError) as error:
        raise NotWritten(_why(error)) from None
    found = {name: " ".join(clean(getattr(model, name), 2 * _LONGEST_PART).split()) for name in parts}
    if not all(any(letter.isalpha() for letter in part) for part in found.values()):
        raise NotWritten("empty")
    if max(map(len, found.values())) > _LONGEST_PART:
        raise NotWritten("too_long")
    return found


def examine(
    parts: dict[str, str],
    prompt: Prompt,
    *,
    language: str,
    identify: Callable[[str], str],
    public: Collection[str] = (),
    secrets: Collection[str] = (),
) -> None:
    """Refuse what no reply holds, whatever the guard would say. `public` are lines that may stand there, such as the
    company's contact; `secrets` must not. Raises NotWritten: "leak", "markup", "refused", "wrong_language"."""
    text = " ".join(parts.values())
    if prompt.fence in text or _tells(text, secrets) or _repeats(text, prompt.rules) or _ITSELF.search(text):
        raise NotWritten("leak")
    if _REFUSAL.search(text):
        raise NotWritten("refused")
    bare = _without(text, public)
    if _MARKUP.search(bare) or _ENCODED.search(bare):
        raise NotWritten("markup")
    if _FOREIGN_LETTER.search(text) or not _speaks(text, parts.values(), language, identify):
        raise NotWritten("wrong_language")


def _answer(parts: tuple[str, ...]) -> type[BaseModel]:
    text = Annotated[str, Field(strict=True, max_length=8 * _LONGEST_PART)]
    fields: dict[str, tuple[object, object]] = {name: (text, ...) for name in parts}
    config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
    made: type[BaseModel] = create_model("Answer", __config__=config, **fields)  # type: ignore[call-overload]
    return made


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _why(error: Exception) -> str:
    too_long = isinstance(error, ValidationError) and any(one["type"] == "string_too_long" for one in error.errors())
    return "too_long" if too_long else "nonsense"


def _without(text: str, lines: Collection[str]) -> str:
    """The text without those lines; a page of the company's website that does not stand there is made up."""
    for line in sorted((line.strip() for line in lines if line.strip()), key=len, reverse=True):
        text = re.sub(re.escape(line) + r"(?!/\w|\w)", " ", text)
    return text


def _tells(text: str, secrets: Collection[str]) -> bool:
    """Whether a secret stands there, in whatever form, or with spaces in it."""
    return any(mask(form, secrets) != form for form in (text, "".join(text.split())))


def _repeats(text: str, rules: str) -> bool:
    """Whether some words in a row are those of our own rules."""
    return not set(_runs(text)).isdisjoint(_runs(rules))


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return (tuple(words[at : at + _LEAKED]) for at in range(len(words) - _LEAKED + 1))


def _speaks(text: str, parts: Collection[str], language: str, identify: Callable[[str], str]) -> bool:
    """Whether no part is surely in another language, and the whole is not in a strange one."""
    if _letters(text) >= 2 * _LETTERS_TO_JUDGE and identify(text) == "":
        return False
    judged = (identify(part) for part in parts if _letters(part) >= _LETTERS_TO_JUDGE)
    return all(found in ("", language) or {found, language} == _NEIGHBOURS for found in judged)


def _letters(text: str) -> int:
    return sum(letter.isalpha() for letter in text)
