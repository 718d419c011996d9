"""What makes two mentions one customer's matter, and what does not, in the words of six languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.case_options import CaseOptions
from monitor.linking import JOINED_BY, Candidate, Linker, decide, marks
from monitor.model import Mention, Reason
from monitor.orders import order_numbers
from monitor.similarity import bands, similarity, words
from tests.made import mention

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KINDS = {
    **{"heureka": "heureka", "google": "googlebusiness", "x": "x", "x2": "x", "reddit": "reddit", "mail": "imap"},
    **{
        "mastodon": "mastodon",
        "forum": "discourse",
        "blog": "rss",
        "file": "file",
        "fb": "facebook",
        "hook": "webhook",
    },
    **{"youtube": "youtube", "bluesky": "bluesky", "shoptet": "shoptet", "hn": "hackernews"},
}
LINKER = Linker(kinds=KINDS, is_own=lambda mention: mention.author == "Svrčina")

LONG_SK = (
    "Objednala som si u vás kyticu na pohreb a prišla o dva dni neskôr, zvädnutá a bez stuhy. Na linke mi nikto"
    " nezdvihol telefón a na mail som dodnes nedostala žiadnu odpoveď, čakám na vrátenie peňazí."
)
LONG_CS = (
    "Zásilka dorazila s týdenním zpožděním, krabice byla rozmáčená a uvnitř chyběly dva kusy z pěti. Reklamaci jste mi"
    " zamítli bez vysvětlení, takže se obracím na veřejnost a doporučuji nakupovat jinde."
)
LONG_HU = (
    "Két hete rendeltem egy kabátot, azóta sem érkezett meg, a futárszolgálat pedig semmit sem tud róla. Az"
    " ügyfélszolgálat három levelemre sem válaszolt, a pénzemet viszont azonnal levonták a kártyámról."
)
LONG_EN = (
    "The coffee machine I bought here stopped working after nine days and your service centre has kept it for six weeks"
    " without a single message. Every time I call I am told that somebody will ring me back, and nobody ever does."
)
LONG_DE = (
    "Die bestellte Lampe kam mit zerbrochenem Schirm an, und obwohl ich sofort Fotos geschickt habe, bekam ich seit"
    " drei Wochen keine Antwort auf meine Reklamation. So etwas habe ich bei keinem anderen Händler erlebt."
)
LONG_PL = (
    "Zamówione buty przyszły w złym rozmiarze, a na wymianę czekam już miesiąc i nikt nie potrafi powiedzieć, gdzie"
    " jest paczka. Na infolinii za każdym razem słyszę co innego, a pieniędzy też nikt nie chce mi oddać."
)
LONG = {"sk": LONG_SK, "cs": LONG_CS, "hu": LONG_HU, "en": LONG_EN, "de": LONG_DE, "pl": LONG_PL}


def said(source: str, text: str, author: str = "", **changes: Any) -> Mention:
    fields: dict[str, Any] = {"id": f"{source}-{abs(hash((text, author))) % 10**9}", "created_at": NOON}
    return Mention(source=source, text=text, author=author, **(fields | changes))


def joins(new: Mention, *old: Mention, options: CaseOptions | None = None, **more: Any) -> Reason | None:
    """Why `new` belongs to the matter of one of `old`, each of which has a case of its own."""
    traits = [LINKER.traits(one) for one in (new, *old)]
    assert all(traits)
    known = [
        Candidate(row_id=number, case_id=number, traits=one, **more)  # type: ignore[arg-type]
        for number, one in enumerate(traits[1:], start=1)
    ]
    found = decide(traits[0], known, options or LINKER.options)  # type: ignore[arg-type]
    return found.reason if found else None


def code(new: Mention, *old: Mention, **more: Any) -> str:
    reason = joins(new, *old, **more)
    return reason.code if reason else ""


SAME_ORDER = [
    ("Objednávka č. 2024-1138 stále neprišla.", "Čo je s objednávkou 2024-1138?"),
    ("Číslo objednávky: 20241138, nič mi neprišlo", "obj. č. 20241138 mešká už týždeň"),
    ("k objednávke #55210 som nedostal faktúru", "Objednavka cislo 55210, faktura nikde."),
    ("Objednávku č.88231 mi nikto nepotvrdil", "č. obj. 88231 – stále nepotvrdená"),
    ("objednávka SV-2026/0042 prišla rozbitá", "Rozbitý tovar, objednávka číslo SV-2026-0042."),
    ("Objednávce č. 778899 chybí faktura", "Faktura k objednávce 778899 nedorazila."),
    ("S objednávkou 1234567 jsem nespokojený", "číslo mé objednávky je 1234567"),
    ("Objednávka číslo FA20261138 dorazila prázdná", "obj. č. FA20261138: prázdný balík!"),
    ("Rendelésszám: 123456, még mindig nem jött meg", "A 123456-os számú rendelésem hol van?"),
    ("A rendelési szám 98765 volt, semmi hír", "megrendelésszám 98765, mikor jön?"),
    ("rendelésem száma: 44556", "A rendelésem (#44556) két hete késik."),
    ("rendelésazonosító: HU-2026-991", "Rendelés HU-2026-991: törötten jött."),
    ("My order #12345 never came", "order number 12345, three weeks and nothing"),
    ("Order no. AB-9912 is late", "Where is my order AB-9912?"),
    ("number of my order is 778812", "my order (no 778812) was refunded only in part"),
    ("Order ID: 1234-5678-99 arrived broken", "order 1234567899 broken, no reply"),
    ("Bestellnummer 123456 ist nie angekommen", "meine Bestellung mit der Nummer 123456 fehlt"),
    ("Bestellung Nr. 4711-22 war defekt", "Bestell-Nr.: 4711-22, defekt geliefert"),
    ("Auftragsnummer: A-20264", "Mein Auftrag A-20264 wurde storniert"),
    ("Zamówienie nr 55443 nie dotarło", "numer zamówienia: 55443, gdzie paczka?"),
    ("zamówienie o numerze 66554 jest niekompletne", "Zam. nr 66554 - brakuje dwóch sztuk."),
    ("Objednávka č. 2024-1138 neprišla", "My order 2024-1138 never came"),
]
NO_ORDER = [
    ("Volajte 0905 123 456 k objednávke", "Objednávka 0905 123 456 volajte"),
    ("objednávka 0905123456", "k objednávke 0905123456"),
    ("objednávka z 15.3.2026 neprišla", "objednávka 15.3.2026 prišla"),
    ("objednávka 2026 bola skvelá", "Objednávka č. 2026 bola hrozná"),
    ("objednávka za 15000 Kč", "objednávka 15000 Kč nedorazila"),
    ("objednávka 12500,- Kč", "objednávka 12500,- bez faktury"),
    ("objednávka 10000 ks vrtúľ", "objednávka 10000 kusov"),
    ("objednávka SK3112000000198742637541", "objednávka, účet SK3112000000198742637541"),
    ("Rendelés 12 500 Ft", "rendelésem 12 500 forint volt"),
    ("Rendelés 12500 Ft értékben", "a rendelés 12500 Ft volt"),
    ("rendelésem 2026.11.20-án", "rendelés 2026.11.20 óta sehol"),
    ("order 12000 €", "order 12000 € of roses"),
    ("My order of 2026-11-20", "order on 2026/11/20"),
    ("I orders 100200 often", "orders 100200 all the time"),
    ("Bestellung vom 12.11.2026", "Bestellung 12.11.2026 fehlt"),
    ("zamówienie z 12.11.2026", "zamówienie 12.11.2026 dotarło"),
    ("zamówienie 12345 zł", "zamówienie za 12345 zł"),
    ("https://shop.example/order/1234567", "see https://shop.example/order/1234567"),
    ("balík 1234567 neprišiel", "balík 1234567 je stratený"),
    ("objednávka č. 2024-1138", "objednávka č. 2024-1139"),
    ("Twilight of the Old Order, 1774-1778", "the Old Order, 1774-1778, a history"),
]


@pytest.mark.parametrize(("one", "other"), SAME_ORDER)
def test_the_same_order_number_is_one_matter(one: str, other: str) -> None:
    assert code(said("google", one, "Eva Malá"), said("fb", other, "evka82")) == "same_order"


@pytest.mark.parametrize(("one", "other"), NO_ORDER)
def test_numbers_of_something_else_prove_nothing(one: str, other: str) -> None:
    assert code(said("google", one, "Eva Malá"), said("fb", other, "evka82")) == ""


def changed(text: str, author: str, other_author: str, source: str, other: str, **more: Any) -> tuple[Mention, Mention]:
    """A text, and a copy of it that was touched up."""
    copy = text.replace(",", "").replace(". ", "! ").upper() if more.pop("shouted", False) else f"{text} Fakt hanba."
    return said(source, text, author), said(other, copy, other_author)


SAME_PEOPLE = [
    # the same long text under another name on another platform
    *((said("google", text, "Jana Malá"), said("fb", text, "janka_m")) for text in LONG.values()),
    *(changed(text, "Jana Malá", "janka_m", "google", "heureka") for text in LONG.values()),
    *(changed(text, "", "Ján Novák", "heureka", "fb", shouted=True) for text in LONG.values()),
    # the same name and nearly the same text, also on one platform
    *((said("heureka", text[:90], "Jana Malá"), said("google", text[:84], "JANA MALA")) for text in LONG.values()),
    *((said("fb", text[:60], "Jana Malá"), said("fb", text[:60] + "!!!", "jana malá")) for text in LONG.values()),
    # the same account
    (said("x", "Kde je balík?", "Jana", raw={"username": "janam"}), said("x2", "?", "J.", raw={"username": "JanaM"})),
    (said("reddit", "Where is it?", "lost_parcel"), said("reddit", "Still nothing", "lost_parcel")),
    (said("hn", "Your checkout is down", "byteowl"), said("hn", "Down again", "byteowl")),
    (
        said("mail", "Kde to je?", "Jana", raw={"reply_to": "j@jana.sk"}),
        said("mail", "!", raw={"reply_to": "J@jana.sk"}),
    ),
    (said("hook", "Kde to je?", "Jana", raw={"email": "j@jana.sk"}), said("mail", "!", raw={"reply_to": "j@jana.sk"})),
    (
        said("youtube", "Video ok", "@jana", raw={"writer": "UC1"}),
        said("youtube", "Ale", "Jana", raw={"writer": "UC1"}),
    ),
    (said("shoptet", "Fajn", "Jana", raw={"customer": "g-1"}), said("shoptet", "Nie", "J", raw={"customer": "g-1"})),
    (
        said("mastodon", "Hm", "J", raw={"acct": "jana"}, url="https://m.example/@jana/1"),
        said("mastodon", "No", "Jana", raw={"acct": "jana@m.example"}, url="https://m.example/@jana/2"),
    ),
    (
        said("bluesky", "Hm", "J", id="at://did:plc:abc/app.bsky.feed.post/1"),
        said("bluesky", "No", "K", id="at://did:plc:abc/app.bsky.feed.post/2"),
    ),
    # the same handle elsewhere, and nearly the same words
    (
        said("x", LONG_SK[:80], "Jana", raw={"username": "lost_parcel"}),
        said("reddit", LONG_SK[:76], "lost_parcel"),
    ),
    (
        said("mastodon", LONG_CS[:80], "Jana", raw={"acct": "lost_parcel@m.example"}),
        said("forum", LONG_CS[:80], "Jana Malá", raw={"username": "Lost_Parcel"}),
    ),
    # the same name in one conversation
    (said("fb", "A?", "Jana Malá", thread="t1"), said("fb", "Haló?", "Jana Malá", thread="t1")),
    (said("fb", "A?", "Jana Malá", thread="post"), said("fb", "Hrozné", "Jana Malá", id="post")),
    (said("fb", "Hrozné", "Jana Malá", id="post"), said("fb", "A?", "Jana Malá", thread="post")),
    # what platforms say of the order
    (said("heureka", "Zle", "Jana", raw={"order_id": "20241138"}), said("shoptet", "!", raw={"order_id": "2024-1138"})),
    (said("hook", "Zle", "Jana", raw={"order": 20241138}), said("google", "objednávka č. 2024-1138", "X Y")),
    (said("file", "Zle", "Jana", raw={"Číslo objednávky": "SV-77123"}), said("fb", "obj. č. SV77123", "jm")),
    (said("hook", "Zle", raw={"referenceId": "777-123"}), said("fb", "order no. 777123", "jm")),
]

DIFFERENT_PEOPLE = [
    # a name alone
    (said("google", "Kytica zvädla.", "Ján Novák"), said("fb", "Balík neprišiel.", "Ján Novák")),
    (said("heureka", "Prišlo to neskoro.", "Ján Novák"), said("heureka", "Nikto nedvíha telefón.", "Ján Novák")),
    (said("x", "Kde to je?", "Jana", raw={"username": "jana1"}), said("fb", "Kde to je?", "jana1")),
    # the same handle, other words
    (said("x", "Kde je balík?", "J", raw={"username": "lost_parcel"}), said("reddit", LONG_EN, "lost_parcel")),
    # short texts of others
    *(
        (said("google", text, "Eva Malá"), said("fb", text, "Ján Novák"))
        for text in (
            "Super obchod!",
            "Rýchle dodanie, všetko v poriadku.",
            "Všechno proběhlo naprosto v pořádku, mohu jen doporučit.",
            "Minden rendben volt, gyors szállítás, csak ajánlani tudom.",
            "Great shop, fast delivery, will buy again for sure.",
            "Alles bestens, schnelle Lieferung, gerne wieder.",
            "Wszystko w porządku, szybka dostawa, polecam.",
            "Najhorší obchod, aký poznám, nikdy viac.",
        )
    ),
    # first names that say the usual
    *(
        (said("heureka", text, "Jana"), said("heureka", text, "Jana", id="2"))
        for text in (
            "Rýchle dodanie, všetko v poriadku.",
            "Spokojnosť, odporúčam všetkým.",
            "Vše v pořádku, rychlé dodání zboží.",
            "Gyors szállítás, minden rendben.",
            "Fast delivery, everything fine here.",
        )
    ),
    # nobody's name
    *(
        (said("heureka", LONG_SK[:90], name), said("heureka", LONG_SK[:90], name, id="2"))
        for name in (
            "",
            "Anonym",
            "Overený zákazník",
            "Ověřený zákazník",
            "Névtelen",
            "A Google user",
            "Anonymous",
            "Kupujúci",
        )
    ),
    # one text from hand to hand on one platform
    *((said("fb", text, "Jana Malá"), said("fb", text, "Ján Novák")) for text in LONG.values()),
    *((said("heureka", text, "Jana Malá"), said("heureka", text, "")) for text in LONG.values()),
    # the same kind of trouble in other words
    (
        said("google", LONG_SK, "Eva Malá"),
        said(
            "fb",
            "Kytica na pohreb prišla neskoro a zvädnutá, na linke nikto nedvíhal a na mail mi nikto neodpovedal. "
            "Žiadam peniaze späť, takto sa s ľuďmi v smútku nezaobchádza, hanbite sa.",
            "Ján Novák",
        ),
    ),
    (
        said("google", LONG_EN, "Eva Small"),
        said(
            "fb",
            "My coffee machine died within two weeks and the service centre keeps it since summer. They promise "
            "to call me back each time that I ring them, and of course they never do so.",
            "John Newman",
        ),
    ),
    # two accounts of one platform
    (
        said("x", LONG_SK, "Jana Malá", raw={"username": "jana1"}),
        said("x2", LONG_SK, "Jana Malá", raw={"username": "jana2"}),
    ),
    (
        said("mail", LONG_SK, "Jana Malá", raw={"reply_to": "a@jana.sk"}),
        said("mail", LONG_SK, "Jana Malá", raw={"reply_to": "b@jana.sk"}),
    ),
    # addresses of machines
    (said("mail", "A?", raw={"reply_to": "noreply@shop.sk"}), said("mail", "B!", raw={"reply_to": "noreply@shop.sk"})),
    (said("hook", "A?", raw={"email": "formular"}), said("hook", "B!", raw={"email": "formular"})),
    # another conversation, another name in it, the same name on another source
    (said("fb", "A?", "Jana Malá", thread="t1"), said("fb", "Haló?", "Jana Malá", thread="t2")),
    (said("fb", "A?", "Jana Malá", thread="t1"), said("fb", "Haló?", "Eva Malá", thread="t1")),
    (said("fb", "A?", "Jana Malá", thread="t1"), said("google", "Haló?", "Jana Malá", thread="t1")),
    (said("fb", "A?", "", thread="t1"), said("fb", "Haló?", "", thread="t1")),
    (
        said("youtube", "A?", "Jana Malá", thread="t1", raw={"writer": "UC1"}),
        said("youtube", "B?", "Jana Malá", thread="t1", raw={"writer": "UC2"}),
    ),
    # two orders are two matters
    (
        said("mail", "objednávka č. 70001 mešká", "Jana", raw={"reply_to": "j@jana.sk"}),
        said("mail", "objednávka č. 70002 je rozbitá", "Jana", raw={"reply_to": "j@jana.sk"}),
    ),
    # what is everybody's number
    (said("heureka", "A", "Jana", raw={"order_id": "0"}), said("heureka", "B", "Eva", raw={"order_id": "0"})),
    (said("heureka", "A", "Jana", raw={"order_id": "11111"}), said("heureka", "B", "Eva", raw={"order_id": "11111"})),
    (said("hook", "A", "Jana", raw={"order": "n/a"}), said("hook", "B", "Eva", raw={"order": "n/a"})),
    # too long ago
    (said("fb", LONG_SK, "Jana Malá"), said("fb", LONG_SK, "Jana Malá", created_at=NOON - timedelta(days=31))),
    (
        said("google", "objednávka č. 2024-1138", "Jana"),
        said("fb", "objednávka č. 2024-1138", "Jana", created_at=NOON - timedelta(days=31)),
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME_PEOPLE)
def test_one_customer(one: Mention, other: Mention) -> None:
    assert code(one, other) and code(one, other) == code(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT_PEOPLE)
def test_two_customers(one: Mention, other: Mention) -> None:
    assert (code(one, other), code(other, one)) == ("", "")


def test_there_are_pairs_enough() -> None:
    assert len(SAME_ORDER) + len(SAME_PEOPLE) >= 60
    assert len(NO_ORDER) + len(DIFFERENT_PEOPLE) >= 60


def test_what_is_found_among_many_is_what_would_be_decided() -> None:
    """Whatever joins by its text also shares a mark with what it joins: else nobody would ever compare the two."""
    for one, other in SAME_PEOPLE:
        if code(one, other) in ("same_text", "near_text"):
            first, second = (marks(LINKER.traits(each)) for each in (one, other))  # type: ignore[arg-type]
            assert {*first["text"], *first["band"]} & {*second["text"], *second["band"]}


def test_a_text_that_several_posted_on_one_platform_joins_nobody() -> None:
    campaign = [said("fb", LONG_SK, name) for name in ("Eva Malá", "Ján Novák")]
    assert code(said("google", LONG_SK, "Jana K."), campaign[0]) == "same_text"
    assert code(said("google", LONG_SK, "Jana K."), *campaign) == ""


def test_a_number_of_too_many_people_is_no_order_number() -> None:
    crowd = [said("fb", f"objednávka č. 4711000, {number}", f"Eva {number}") for number in range(9)]
    assert code(said("google", "objednávka č. 4711000", "Jana"), *crowd[:6]) == "same_order"
    assert code(said("google", "objednávka č. 4711000", "Jana"), *crowd) == ""


def test_an_address_of_too_many_people_is_that_of_an_office() -> None:
    office = [said("mail", f"List {name}", name, raw={"reply_to": "info@urad.sk"}) for name in ("Eva", "Oto", "Iva")]
    assert code(said("mail", "Ďalší", "Eva", raw={"reply_to": "info@urad.sk"}), office[0]) == "same_account"
    assert code(said("mail", "Ďalší", "Jana", raw={"reply_to": "info@urad.sk"}), *office) == ""


def test_the_company_s_own_posts_join_nothing() -> None:
    assert LINKER.traits(said("fb", "objednávka č. 2024-1138", "Svrčina")) is None


def test_every_way_of_joining_can_be_switched_off() -> None:
    one, other = said("google", "objednávka č. 2024-1138", "Jana Malá"), said("fb", "objednávka č. 2024-1138", "X Y")
    off = CaseOptions(join_by=("account", "thread", "text"))
    linker = replace(LINKER, options=off)
    first, second = linker.traits(one), linker.traits(other)
    assert first and second and (first.orders, second.orders) == ({}, {})
    thread = (said("fb", "A?", "Jana Malá", thread="t1"), said("fb", "Haló?", "Jana Malá", thread="t1"))
    assert code(*thread, options=CaseOptions(join_by=("order",))) == ""


def test_the_strongest_reason_is_told_and_the_oldest_case_is_joined() -> None:
    new = said("fb", "objednávka č. 2024-1138", "Jana Malá", thread="t1")
    by_thread = said("fb", "Haló?", "Jana Malá", id="t1")
    by_order, by_another = (said("google", "obj. č. 20241138", name) for name in ("Jana Malá", "X"))
    assert joins(new, by_thread, by_order) == Reason(code="same_order", detail="2024-1138")
    traits = LINKER.traits(new)
    known = [Candidate(row_id=9 - n, case_id=9 - n, traits=LINKER.traits(by_order)) for n in range(3)]  # type: ignore[arg-type]
    found = decide(traits, known, CaseOptions())  # type: ignore[arg-type]
    assert found is not None and (found.case_id, found.also) == (7, (8, 9))
    others = [replace(known[0], traits=LINKER.traits(by_another)), *known[1:]]  # type: ignore[arg-type]
    found = decide(traits, others, CaseOptions())  # type: ignore[arg-type]
    assert found is not None and (found.case_id, found.also) == (7, (8,))
    apart = [replace(known[0], apart=frozenset({7})), *known[1:]]
    found = decide(traits, apart, CaseOptions())  # type: ignore[arg-type]
    assert found is not None and (found.case_id, found.also) == (7, (8,))


def test_the_shop_s_own_form_of_numbers() -> None:
    text = "Týka sa SV-123456 a tel. 0905123456, objednávka č. 998877"
    assert order_numbers(text, {}, r"SV-\d{6}") == {"SV123456": "SV-123456"}
    assert order_numbers("číslo 26/0042!", {}, r"číslo (\d{2}/\d{4})") == {"260042": "26/0042"}
    assert order_numbers("sv-123456789", {}, r"SV-\d{6}") == {}
    assert order_numbers("a" * 40, {}, r"(a+)+\d") == {}


@pytest.mark.parametrize("pattern", ["(", "[0-9", r"\d*", ".*", "x" * 201])
def test_a_form_that_cannot_be_used_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="order_number"):
        CaseOptions(order_number=pattern)


@given(st.text(max_size=300), st.sampled_from(["", r"SV-\d{4}"]))
def test_no_text_trips_the_search_for_orders(text: str, pattern: str) -> None:
    found = order_numbers(f"objednávka č. {text}", {"order_id": text}, pattern)
    assert all(key == key.upper() and any(sign.isdigit() for sign in key) for key in found)


@given(
    st.lists(st.sampled_from("kytica prišla zvädnutá balík neprišiel telefón nikto".split()), min_size=8, max_size=60)
)
def test_likeness_is_the_same_both_ways_and_whole_for_itself(said_words: list[str]) -> None:
    one, other = words(" ".join(said_words)), words(" ".join(reversed(said_words)))
    assert similarity(one, one, 0.9) == 1.0 and bands(one) == bands(one)
    assert similarity(one, other, 0.0) == pytest.approx(similarity(other, one, 0.0))


def test_every_reason_is_in_words() -> None:
    assert all(told and code.replace("_", "").isalpha() for code, told in JOINED_BY.items())


@pytest.mark.parametrize("kind", ["rss", "bluesky", "mastodon"])
def test_an_address_that_is_none_trips_nothing(kind: str) -> None:
    one = mention(1, url="https://[nowhere", raw={"acct": "jana"})
    assert Linker(kinds={"shop": kind}).traits(one)
