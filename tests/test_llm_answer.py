"""Reading what a model answered: strictly, and without ever failing in another way."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Mention
from monitor.options import CompanyOptions
from responders.codes import CODES
from responders.guarding.private import masked
from responders.llm.answer import examine, parse
from responders.llm.model import NotWritten
from responders.llm.prompt import PARTS, Brief, prompt
from responders.policy import Allowed
from responders.situation import Situation
from tests.llm_platform import GOOD, KEY
from tests.made import mention
from tests.running import ROOT

COMPLAINT = PARTS["complaint"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(COMPLAINT) | st.text(), inner),
    max_leaves=8,
)


def brief(about: Mention | None = None, *, own: dict[str, str] | None = None, room: int = 600) -> Brief:
    return Brief(
        mention=about or mention(),
        language="sk",
        formal=True,
        situation=Situation(label="complaint", aspects=("delivery",), waiting="3 týždne"),
        company=CompanyOptions(name="Lipka", contact="pomoc@lipka.example"),
        facts={"returns": "14 dní od prevzatia"},
        allowed=Allowed(may_offer=("voucher", "call_back"), voucher_limit=10),
        never_say=("súd",),
        room=room,
        own=own or {"apology": "Mrzí nás to."},
    )


@given(st.text() | VALUES.map(json.dumps))
def test_whatever_comes_is_read_or_refused(content: str) -> None:
    try:
        parts = parse(content, COMPLAINT)
    except NotWritten as error:
        assert error.code in CODES["model_note"]
    else:
        assert tuple(parts) == COMPLAINT and all(parts.values())


@given(st.text(max_size=300), st.text(max_size=80))
def test_whatever_strangers_write_stays_data(text: str, title: str) -> None:
    made = prompt(brief(mention(text=text, title=title)), "FENCE")
    assert made.user.count("FENCE") == 2
    document = json.loads(made.user.split("FENCE")[1])
    assert set(document) == {"published", "our playbook's draft"}


def test_the_same_brief_gives_the_same_prompt() -> None:
    one, other = prompt(brief(), "FENCE"), prompt(brief(), "FENCE")
    assert one == other and set(one.schema["required"]) == set(COMPLAINT)
    for line in ("returns: 14 dní od prevzatia", "a voucher of at most 10 €", "- súd", "has waited: 3 týždne"):
        assert line in one.system


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (KEY, "leak"),
        (" ".join(KEY), "leak"),
        (KEY.upper(), "leak"),
        (base64.b64encode(KEY.encode()).decode(), "leak"),
        (KEY.encode().hex(), "leak"),
        ("FENCE", "leak"),
        ("No greeting, no signature: these are added.", "leak"),
        ("Môj systémový prompt hovorí, že mám mlčať.", "leak"),
        ("a" * 40, "markup"),
        ("aGVsbG8gd29ybGQ5", "markup"),
        ("I am sorry, but I can't assist with that.", "refused"),
    ],
)
def test_what_no_reply_holds(form: str, code: str) -> None:
    parts = GOOD["sk"] | {"solution": f"{GOOD['sk']['solution']} {form}"}
    with pytest.raises(NotWritten) as refused:
        examine(parts, prompt(brief(), "FENCE"), language="sk", identify=lambda _text: "sk", secrets=(KEY,))
    assert refused.value.code == code


@pytest.mark.parametrize("language", GOOD)
def test_good_parts_pass(language: str) -> None:
    examine(
        GOOD[language],
        prompt(brief(), "FENCE"),
        language=language,
        identify=lambda _text: language,
        public=("pomoc@lipka.example",),
        secrets=(KEY,),
    )


@pytest.mark.parametrize("site", ["www.lipka.example", "https://lipka.example", "lipka.example"])
def test_the_website_may_be_named_but_no_page_made_up(site: str) -> None:
    public = ("lipka.example", "www.lipka.example", "https://lipka.example", "lipka.example/vratenie")
    for said, passes in ((f"Viac je na {site}.", True), (f"Viac je na {site}/zlavy.", False)):
        parts = GOOD["sk"] | {"solution": f"Ozvite sa nám, prosím. {said}"}
        try:
            examine(parts, prompt(brief(), "FENCE"), language="sk", identify=lambda _text: "sk", public=public)
        except NotWritten as error:
            assert (error.code, passes) == ("markup", False)
        else:
            assert passes
    known = GOOD["sk"] | {"solution": "Postup je na lipka.example/vratenie, prosím."}
    examine(known, prompt(brief(), "FENCE"), language="sk", identify=lambda _text: "sk", public=public)


def test_an_english_prompt_reply_is_no_prompt() -> None:
    parts = GOOD["en"] | {"interest": "Thank you for the details, you will have a prompt reply from us."}
    examine(parts, prompt(brief(), "FENCE"), language="en", identify=lambda _text: "en")


def test_every_reason_has_words() -> None:
    source = "".join(path.read_text() for path in (*(ROOT / "responders/llm").glob("*.py"), written_by()))
    codes = set(re.findall(r'NotWritten\(\s*f?"(\w+)', source)) | {
        "timeout",
        "cap_tokens",
        "cap_spend",
        "asked",
        "interrupted",
    }
    assert codes == set(CODES["model_note"])


def written_by() -> Path:
    return ROOT / "monitor/writing.py"


def test_masking_keeps_what_the_company_says_of_itself() -> None:
    text = "Píšte na pomoc@lipka.example, nie na eva@mail.example; objednávka 4417820, tel. 0905 123 456, rok 2026."
    assert (
        masked(text, ("pomoc@lipka.example",))
        == "Píšte na pomoc@lipka.example, nie na …; objednávka …, tel. …, rok 2026."
    )
