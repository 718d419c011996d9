"""The sentences that replies are made of: read from one TOML file a language, which anybody may edit."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from monitor.contract import Channel
from monitor.errors import ConfigError
from monitor.options import AspectName, Offer, UrgencyName
from responders.playbook_mistakes import listed, meant, problems
from responders.shipped import shipped_languages

ASPECTS: tuple[str, ...] = get_args(AspectName)
FAULTS = ("ours", "maybe_ours", "not_ours", "misunderstanding")
CUSTOMERS = ("undecided", "know_it_all", "rude", "offended")
URGENCIES: tuple[str, ...] = get_args(UrgencyName)
CHANNELS: tuple[str, ...] = get_args(Channel)
# "stars": only stars, no words; "waiting": the customer says for how long he has waited; "order_known": he has given
# an order number
SITUATIONS = (
    *ASPECTS,
    *FAULTS,
    *CUSTOMERS,
    *URGENCIES,
    *CHANNELS,
    "general",
    "question",
    "stars",
    "waiting",
    "order_known",
)
SLOTS = (
    "name",
    "company",
    "contact",
    "signature",
    "website",
    "reference",
    "product",
    "topics",
    "order",  # the order number that stands in the mention; in mails only, where nobody else reads it
    "waiting",  # how long the customer has waited, e.g. "two weeks"
    "voucher",  # the largest gift that the policy allows, e.g. "10 €"
    "feedback",  # a link by which the customer says how the case was handled; in mails only, see [follow_up]
    "answer_by",  # when an answer is promised, with its preposition: "by 16:00 on Monday 23 November"
)
FACT = "fact."  # {fact.returns} is the line `returns` of the company's fact file in that language

_SLOT = re.compile(r"\{([^{}]*)\}")
_ADDRESS = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")
_LANGUAGE = re.compile(r"[a-z]{2}")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sentence(_Table):
    """One variant of a part. `offers` is what it promises; the policy has to allow all of it."""

    text: str = Field(min_length=1)
    offers: tuple[Offer, ...] = ()
    when: tuple[str, ...] = ()  # situations that all have to be at hand as well
    unless: tuple[str, ...] = ()  # situations in which it is out of place

    @field_validator("when", "unless")
    @classmethod
    def _known_situations_only(cls, situations: tuple[str, ...]) -> tuple[str, ...]:
        for name in situations:
            if name not in SITUATIONS:
                raise ValueError(f'"{name}" is not one of {listed(SITUATIONS)}{meant(name, SITUATIONS)}')
        return situations

    @field_validator("text")
    @classmethod
    def _known_slots_only(cls, text: str, info: ValidationInfo) -> str:
        known = (*SLOTS, *(info.context or {}).get("forms", ()))
        for slot in _SLOT.findall(text):
            if slot not in known and not slot.startswith(FACT):
                raise ValueError(f"there is nothing to fill {{{slot}}} with; known are {listed(known)}")
        if re.search(r"[{}\[\]]", _SLOT.sub("", text)):
            raise ValueError("a bracket is not closed, or [formal|familiar] lacks its second form")
        return text

    @cached_property
    def slots(self) -> frozenset[str]:
        return frozenset(_SLOT.findall(self.text))

    @property
    def fits_always(self) -> bool:
        return not (self.slots or self.offers or self.when or self.unless)

    def fill(self, values: Mapping[str, str]) -> str:
        """The finished sentence. Values are put in as they are: braces in them mean nothing."""
        return _SLOT.sub(lambda slot: values[slot.group(1)], self.text) if self.slots else self.text


def _sentence(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


Sentences = tuple[Annotated[Sentence, BeforeValidator(_sentence)], ...]


def _one_key_each(value: object) -> object:
    """`"delivery product" = [...]` stands for both aspects."""
    if not isinstance(value, dict):
        return value
    spread: dict[str, Any] = {}
    for key, sentences in value.items():
        for name in str(key).split():
            if name not in SITUATIONS:
                raise ValueError(f'"{name}" is not one of {listed(SITUATIONS)}{meant(name, SITUATIONS)}')
            spread[name] = sentences
    return spread


def _always_usable(bank: dict[str, tuple[Sentence, ...]]) -> dict[str, tuple[Sentence, ...]]:
    if not any(sentence.fits_always for sentence in bank.get("general", ())):
        raise ValueError("general needs at least one sentence without a {slot} and without offers, when or unless")
    return bank


Bank = Annotated[dict[str, Sentences], BeforeValidator(_one_key_each), Field(min_length=1)]
OptionalBank = Annotated[dict[str, Sentences], BeforeValidator(_one_key_each)]
Cues = tuple[str, ...]


class _Parts(_Table):
    """A group of parts, each of which can always be filled."""

    @model_validator(mode="after")
    def _each_part_usable(self) -> Self:
        for name in type(self).model_fields:
            bank = getattr(self, name)
            if isinstance(bank, dict) and bank and type(self).model_fields[name].is_required():
                try:
                    _always_usable(bank)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
        return self


class Greeting(_Table):
    named: Sentences = Field(min_length=1)
    plain: Sentences = Field(min_length=1)
    # after a greeting that ends with a comma: Slovak goes on with a small letter, English only on the same line
    small_letter_after_comma: Literal["always", "same_line", "never"] = "never"


class SignOff(_Table):
    personal: Sentences = ()
    team: Sentences = ()


class Complaint(_Parts):
    """`explanation` says facts, politely, where the fault is not ours or the customer has misunderstood; `extra` is
    something more than putting it right, where the fault is surely ours."""

    apology: Bank
    interest: Bank
    explanation: OptionalBank = {}
    ask: Bank
    solution: Bank
    extra: Sentences = ()
    reference: Sentences = ()
    feedback: Sentences = ()  # asks how it was handled


class Acknowledgement(_Table):
    """The short "we have it": apology and interest as in a complaint, then `promise`."""

    promise: Sentences = ()  # those with {answer_by} and {reference} are preferred


class Form(_Table):
    """A word that changes with the customer: for a woman, a man, and where the name does not tell."""

    woman: str
    man: str
    other: str


class Units(_Table):
    """How a time of waiting is read and written. `cues` are beginnings of words; `forms` are those that follow a
    number, in the order of CLDR's plural classes that the language has (one, few, many/other), in the case that
    "you have been waiting …" wants."""

    cues: tuple[str, ...] = Field(min_length=1)
    forms: tuple[str, ...] = Field(min_length=1)


class Waiting(_Table):
    """`cues` tell that a sentence is about waiting, in the notation of responders/cues.py: "čaká", "no_answer"; a time
    in other sentences is left alone. `numbers` are words for small numbers: "dva" = 2, also "a" = 1 of "a week"."""

    cues: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    hour: Units | None = None
    day: Units | None = None
    week: Units | None = None
    month: Units | None = None

    @model_validator(mode="after")
    def _cues_for_units(self) -> Self:
        if not self.cues and (self.hour or self.day or self.week or self.month):
            raise ValueError('cues are missing: beginnings of words that tell of waiting, e.g. cues = ["wait"]')
        return self


class Recognise(_Table):
    """What the customer's own words tell of the fault; the notation is in responders/cues.py."""

    ours: Cues = ()
    not_ours: Cues = ()
    misunderstanding: Cues = ()


class Praise(_Parts):
    thanks: Bank
    personal: Bank
    invitation: Bank


class Neutral(_Parts):
    body: Bank


class PartCues(_Table):
    apology: Cues
    interest: Cues
    solution: Cues
    thanks: Cues
    personal: Cues
    invitation: Cues


class PromiseCues(_Table):
    refund: Cues = ()
    replacement: Cues = ()
    voucher: Cues = ()
    discount: Cues = ()
    call_back: Cues = ()
    manager: Cues = ()
    deadline: Cues = ()
    amounts: Cues = ()  # amounts in words: "twenty euros"
    waivers: Cues = ()  # "we will not charge you": here the "not" is what is promised


class GuardCues(_Table):
    """What the guard recognises a language's parts, promises and insults by; the notation is in responders/cues.py."""

    letters: str = ""  # letters that none of the neighbouring languages has
    neighbours: dict[str, str] = {}  # languages it is taken for, with letters that a text in those would surely have
    negations: Cues = ()
    refusals: Cues = ()  # "we cannot": what a sentence refuses is no promise …
    but: Cues = ()  # … up to one of these words
    titles: Cues = ()  # words before the name of a colleague: "Mr", "Frau"
    titles_after: Cues = ()  # words behind one: "úr"
    insults: Cues = ()
    blame: Cues = ()
    sarcasm: Cues = ()  # "well done you", "what did you expect"
    slander: Cues = ()  # ill words, refused in one sentence with a competitor's name …
    impartial: Cues = ()  # … where without one of these ("a separate company") nothing may be said of it at all
    quoting: Cues = ()  # "you wrote": what stands in quotation marks there are the customer's words
    asks_order: Cues = ()  # asks the customer for the order number
    addresses: Cues = ()  # "I live at", "street": beside them a name and a number are somebody's address
    admissions: Cues = ()  # admitting liability in the law's words
    parts: PartCues
    promises: PromiseCues


class Playbook(_Table):
    language: str
    greeting: Greeting
    sign_off: SignOff = SignOff()
    topics: dict[str, str]
    complaint: Complaint
    praise: Praise
    neutral: Neutral
    acknowledgement: Acknowledgement = Acknowledgement()
    forms: dict[str, Form] = {}  # words that change with the customer's gender, as {slots} of their own
    waiting: Waiting = Waiting()
    recognise: Recognise = Recognise()
    guard: GuardCues

    @field_validator("forms")
    @classmethod
    def _forms_with_names_of_their_own(cls, forms: dict[str, Form]) -> dict[str, Form]:
        for name in forms:
            if name in SLOTS or name.startswith(FACT):
                raise ValueError(f'"{name}" is what Ohlas fills in itself; give the form another name')
        return forms

    @field_validator("topics")
    @classmethod
    def _topics_of_aspects(cls, topics: dict[str, str]) -> dict[str, str]:
        if "and" not in topics:
            raise ValueError('the word that joins two topics is missing, e.g. and = "and"')
        for name in topics:
            if name not in (*ASPECTS, "and"):
                raise ValueError(f'"{name}" is not one of {listed(ASPECTS)}{meant(name, ASPECTS)}')
        return topics


def load(language: str, folder: Path | None = None, *, formal: bool = True) -> Playbook:
    """The playbook of `language`: `folder`/LANGUAGE.toml where there is one, else the shipped one.

    An own file without a [guard] table keeps the shipped cues. Raises ConfigError naming file, key and hint.
    """
    own = folder / f"{language}.toml" if folder is not None and _LANGUAGE.fullmatch(language) else None
    if own is None or not own.is_file():
        return shipped(language, formal)
    written = _parse(own.name, own_text(own))
    if "guard" not in written and language in shipped_languages():
        written["guard"] = _shipped_tables(language)["guard"]
    return _read(str(own), language, written, formal)


@lru_cache(maxsize=32)
def shipped(language: str, formal: bool = True) -> Playbook:
    """Raises ConfigError where no playbook of that language comes with Ohlas."""
    if language not in shipped_languages():
        raise ConfigError(
            [
                f'drafting.languages: there is no playbook for "{language}"; shipped are '
                f"{listed(shipped_languages())}, others go into the folder of drafting.playbooks as LANGUAGE.toml"
            ]
        )
    return _read(f"{language}.toml", language, _shipped_tables(language), formal)


def _shipped_tables(language: str) -> dict[str, Any]:
    name = f"{language}.toml"
    return _parse(name, (resources.files("responders.playbooks") / name).read_text(encoding="utf-8"))


def own_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8; save the file again with the encoding UTF-8"]) from error
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error


def _parse(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{name}: {error}; look for a missing quote, comma or bracket just before"]) from error


def _read(name: str, language: str, written: dict[str, Any], formal: bool) -> Playbook:
    try:
        playbook = Playbook.model_validate(with_address(written, formal), context={"forms": _form_names(written)})
    except ValidationError as error:
        raise ConfigError([f"{name}: {problem}" for problem in problems(error, _all_keys())]) from error
    if playbook.language != language:
        raise ConfigError([f'{name}: language: is "{playbook.language}", but the file is called {language}.toml'])
    return playbook


def _form_names(written: Mapping[str, Any]) -> tuple[str, ...]:
    forms = written.get("forms")
    return tuple(forms) if isinstance(forms, dict) else ()


def with_address(value: Any, formal: bool) -> Any:
    """`value`, a text or tables of texts, with every "[formal|familiar]" replaced by the form in use."""
    if isinstance(value, str):
        return _ADDRESS.sub(lambda pair: pair.group(1 if formal else 2), value)
    if isinstance(value, list):
        return [with_address(item, formal) for item in value]
    if isinstance(value, dict):
        return {key: with_address(item, formal) for key, item in value.items()}
    return value


def _all_keys() -> tuple[str, ...]:
    models = (
        *(Playbook, Greeting, SignOff, Complaint, Praise, Neutral, Acknowledgement, Form, Waiting, Units, Recognise),
        *(GuardCues, PartCues, PromiseCues, Sentence),
    )
    return tuple(sorted({name for model in models for name in model.model_fields}))
