"""The German and the Polish playbook: every sentence reads like its part, and the cues catch what they are for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from monitor.contract import ReplyRules
from monitor.model import Finding
from monitor.options import CompanyOptions, PolicyOptions
from responders.cues import occurs, spans
from responders.guard import check
from responders.playbook import SLOTS, Playbook, Sentence, load
from responders.situation import _recognised
from responders.waiting import in_words, waited

LANGUAGES = ("de", "pl")
FACTS = ("returns", "warranty", "hours", "phone", "delivery", "complaints")
COMPANY = CompanyOptions(
    name="Lipka",
    signature="Jana",
    contact="hallo@lipka.example",
    website="https://lipka.example",
    competitors=("Zorka",),
)
# of a sentence that stands alone; explanations and references belong to no cue of their own
CUED = {"ask": "solution", "solution": "solution", "extra": "solution", "promise": "solution"}


def judged(text: str, language: str, formal: bool = True, offers: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    return check(
        text,
        language=language,
        label="neutral",
        rules=ReplyRules(),
        company=COMPANY,
        policy=PolicyOptions(may_offer=offers, voucher_limit=10 if offers else 0),  # type: ignore[arg-type]
        playbook=load(language, formal=formal),
    )


def errors(*findings: Finding) -> set[str]:
    return {finding.rule for finding in findings if finding.severity == "error"}


def sentences(playbook: Playbook) -> Iterator[tuple[str, Sentence]]:
    complaint, praise = playbook.complaint, playbook.praise
    yield from (("extra", one) for one in complaint.extra)
    yield from (("reference", one) for one in complaint.reference)
    yield from (("promise", one) for one in playbook.acknowledgement.promise)
    for part in ("apology", "interest", "explanation", "ask", "solution"):
        yield from ((part, one) for many in getattr(complaint, part).values() for one in many)
    for part in ("thanks", "personal", "invitation"):
        yield from ((part, one) for many in getattr(praise, part).values() for one in many)
    yield from (("body", one) for many in playbook.neutral.body.values() for one in many)


def filled(playbook: Playbook, gender: str) -> dict[str, str]:
    return {
        **dict.fromkeys((*SLOTS, *(f"fact.{key}" for key in FACTS)), "Lipka"),
        **{word: getattr(form, gender) or "Lipka" for word, form in playbook.forms.items()},
        "contact": COMPANY.contact,
        "topics": playbook.topics["delivery"],
        "reference": "OH-00042",
        "voucher": "10 €",
    }


@pytest.mark.parametrize("gender", ["woman", "man", "other"])
@pytest.mark.parametrize("formal", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_reads_like_its_part_and_breaks_no_rule(language: str, formal: bool, gender: str) -> None:
    playbook = load(language, formal=formal)
    values = filled(playbook, gender)
    for part, sentence in sentences(playbook):
        text = sentence.fill(values)
        assert errors(*judged(text, language, formal)) == ({"unapproved_promise"} if sentence.offers else set()), text
        assert errors(*judged(text, language, formal, sentence.offers)) == set(), text
        cues = getattr(playbook.guard.parts, CUED.get(part, part), None)
        assert cues is None or any(occurs(cues, span) for span in spans(text)), (part, text)
        assert part != "apology" or not occurs(playbook.guard.parts.solution, spans(text)[0]), text
        assert text[0].isupper() and text[-1] in ".!?", text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_situation_has_its_sentences(language: str) -> None:
    complaint = load(language).complaint
    urgencies = ("safety", "legal", "media", "money", "deadline", "repeated")
    for part, words in {
        "apology": (*urgencies, "not_ours", "misunderstanding", "ours", "rude", "offended", "waiting"),
        "interest": (*urgencies, "undecided", "know_it_all", "rude", "offended"),
        "explanation": ("not_ours", "misunderstanding", "know_it_all"),
        "ask": (*urgencies, "mail"),
        "solution": (*urgencies, "not_ours", "misunderstanding", "undecided", "know_it_all", "rude", "offended"),
    }.items():
        for word in words:
            assert len(getattr(complaint, part)[word]) >= 3, (part, word)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_was_harmed_is_told_to_stop_using_the_product_by_mail_too(language: str) -> None:
    bank = load(language).complaint.ask
    stop = {"de": ("nicht weiter", "nicht mehr", "beiseite"), "pl": ("nie używać", "przestać używać", "odłożyć")}[
        language
    ]
    of_products = [one for one in bank["safety"] if "staff" not in one.when]
    by_mail = [one for one in bank["mail"] if "safety" in one.when and "staff" not in one.when]
    others = [one for one in bank["mail"] if one not in by_mail and "staff" not in one.when]
    assert of_products and by_mail
    assert all(any(word in one.text for word in stop) for one in (*of_products, *by_mail))
    assert all("safety" in one.unless for one in others)


CAUGHT = {
    "de": {
        "unapproved_promise": [
            "Wir erstatten Ihnen den vollen Betrag.",
            "Sie bekommen Ihr Geld zurück.",
            "Wir tauschen das Gerät um.",
            "Wir schicken Ihnen ein neues.",
            "Wir schicken Ihnen einen Gutschein.",
            "Die Lieferung ist kostenlos.",
            "Sie erhalten 20 Prozent Rabatt.",
            "Wir rufen Sie an.",
            "Unsere Geschäftsführerin meldet sich bei Ihnen.",
            "Als Ausgleich gibt es zwanzig Euro.",
        ],
        "insult_or_blame": [
            "Sie lügen.",
            "So ein Besserwisser.",
            "Das ist Ihre Schuld.",
            "Da sind Sie selbst schuld.",
            "Hätten Sie die Anleitung gelesen.",
            "Sie hätten lesen sollen, was dort steht, dann wäre es Ihr Fehler.",
            "Das Problem liegt bei Ihnen.",
        ],
        "sarcasm": [
            "Was haben Sie denn erwartet?",
            "Na toll, noch so einer.",
            "Uns kommen die Tränen.",
            "Herzlichen Glückwunsch zu dieser Erkenntnis.",
        ],
        "slander": ["Bei Zorka bekommen Sie nur Schrott.", "Zorka ist völlig unseriös."],
        "admission": [
            "Wir haften für den Schaden.",
            "Wir haben fahrlässig gehandelt.",
            "Wir erkennen Ihren Anspruch an.",
            "Wir übernehmen die volle Verantwortung.",
        ],
    },
    "pl": {
        "unapproved_promise": [
            "Zwrócimy Pani całą kwotę.",
            "Otrzyma Pan zwrot pieniędzy.",
            "Wymienimy urządzenie.",
            "Wyślemy nowy egzemplarz.",
            "Prześlemy Pani bon.",
            "Dostawa będzie za darmo.",
            "Otrzyma Pani rabat.",
            "Oddzwonimy do Pana.",
            "Odezwie się do Pani kierowniczka sklepu.",
            "W zamian będzie dwadzieścia złotych.",
        ],
        "insult_or_blame": [
            "Pani kłamie.",
            "Proszę się nie wygłupiać, bzdury.",
            "To Pana wina.",
            "To wyłącznie Pani błąd.",
            "Trzeba było przeczytać regulamin.",
            "Powinna Pani sprawdzić rozmiar, Pani powinna przeczytać opis.",
            "Pan przesadza.",
        ],
        "sarcasm": [
            "Czego się Pani spodziewała za taką cenę?",
            "Brawo, gratulujemy spostrzegawczości.",
            "Ojej, prawdziwy dramat.",
            "Skoro Pan wie lepiej.",
        ],
        "slander": ["Zorka sprzedaje samą tandetę.", "Zorka to oszuści."],
        "admission": [
            "Ponosimy odpowiedzialność za tę szkodę.",
            "Uznajemy roszczenie.",
            "Naruszyliśmy przepisy.",
            "Doszło do tego z naszej winy.",
        ],
    },
}
HARMLESS = {
    "de": [
        "Das ist nicht Ihre Schuld.",
        "Wir prüfen, warum der Gutschein nicht funktioniert hat.",
        "Ihre Reklamation haben wir geprüft, bitte melden Sie sich wegen der Rücksendung.",
        "Leider können wir den Betrag nicht erstatten.",
        "Rufen Sie uns gern an, wir sind montags bis freitags von 8 bis 16 Uhr da.",
        "Wir verstehen, dass Sie auf die Erstattung warten.",
        "Das ist uns peinlich.",
        "Auch Zorka führt dieses Modell.",
    ],
    "pl": [
        "To nie Pani wina.",
        "Sprawdzimy, dlaczego bon nie zadziałał.",
        "Reklamacja jest sprawdzona, prosimy o kontakt w sprawie zwrotu towaru.",
        "Niestety nie możemy zwrócić pieniędzy.",
        "Prosimy do nas zadzwonić, jesteśmy w dni robocze od 8 do 16.",
        "Rozumiemy, że czeka Pani na zwrot.",
        "Dostawa nowej kolekcji jest w drodze.",
        "Zorka też ma ten model.",
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_nobody_should_write_is_caught(language: str) -> None:
    for rule, texts in CAUGHT[language].items():
        for text in texts:
            assert rule in errors(*judged(text, language)), (rule, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_write_in_good_faith_passes(language: str) -> None:
    for text in HARMLESS[language]:
        assert errors(*judged(text, language)) == set(), text


@pytest.mark.parametrize(
    ("language", "said", "fault"),
    [
        ("de", "Ich habe den falschen Artikel bekommen.", "ours"),
        ("de", "Mir wurde der Betrag doppelt abgebucht.", "ours"),
        ("de", "Die Vase ist zerbrochen angekommen!", "ours"),
        ("de", "Es war mein Fehler, ich habe mich verklickt.", "not_ours"),
        ("de", "Vielleicht ist es ein Missverständnis.", "misunderstanding"),
        ("de", "Das Paket ist nicht da.", "maybe_ours"),
        ("pl", "Przysłali zły rozmiar.", "ours"),
        ("pl", "Dwukrotnie pobrano pieniądze z konta.", "ours"),
        ("pl", "Wazon przyszedł rozbity.", "ours"),
        ("pl", "Źle wpisałam adres, moja wina.", "not_ours"),
        ("pl", "Może to nieporozumienie.", "misunderstanding"),
        ("pl", "Paczki nie ma.", "maybe_ours"),
    ],
)
def test_whose_fault_it_is_by_the_customers_own_words(language: str, said: str, fault: str) -> None:
    assert _recognised(said, load(language).recognise) == fault


@pytest.mark.parametrize(
    ("language", "said", "waiting"),
    [
        ("de", "Ich warte seit drei Wochen auf mein Paket.", "3 Wochen"),
        ("de", "Nach 5 Tagen immer noch keine Antwort.", "5 Tagen"),
        ("de", "Seit einer Woche keine Rückmeldung.", "1 Woche"),
        ("de", "Die Garantie gilt zwei Monate.", ""),
        ("pl", "Czekam już trzy tygodnie na paczkę.", "3 tygodnie"),
        ("pl", "Od pięciu dni nikt nie odpowiada.", "5 dni"),
        ("pl", "Czekam 1 miesiąc.", "1 miesiąc"),
        ("pl", "Gwarancja trwała dwa lata, bateria trzyma 5 godzin.", ""),
    ],
)
def test_how_long_somebody_waits(language: str, said: str, waiting: str) -> None:
    playbook = load(language)
    time = waited(said, playbook.waiting)
    assert (in_words(time, playbook.waiting, language) if time else "") == waiting


def test_polish_words_agree_with_whom_they_address() -> None:
    forms = load("pl").forms
    assert [forms["title"].woman, forms["title"].man, forms["title"].other] == ["Pani", "Panie", ""]
    assert set(forms) == {"dear", "title", "your", "to_you", "you", "with_you"}
