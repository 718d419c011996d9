"""The case forms of a name in Slovak and Czech, which are written together: people mix them, and most are the same.

All is folded: lower case, no diacritics. Names of shops follow the commonest paradigms, foreign ones too; where two
paradigms are possible (`Mango`: manga, mangu; indeclinable), the forms of both are known.
"""

from __future__ import annotations

from collections.abc import Iterator

from monitor.watch.form import Form

VOWELS = frozenset("aeiouy")


def _set(*words: str) -> frozenset[str]:
    return frozenset(ending for line in words for ending in line.split())


_ADJECTIVE_TAILS = _set("a o e y u i ou ym ych ymi ho mu om ej")
_HIS = {"uv", "ov", *(f"ov{tail}" for tail in _ADJECTIVE_TAILS)}  # Martinusův, Martinusova
_HERS = {"in", *(f"in{tail}" for tail in _ADJECTIVE_TAILS)}  # Alzin, Heurečina
_ADJECTIVE = _set("y a e i eho iho emu imu om em ej ou u ym im ych ich ymi imi yma ima")

_AFTER_CONSONANT = _set("u a e i y ou ovi om em ove ovia um am iam im ech och ich ach iach mi ami emi ama") | _HIS
_FOR_A = _set("a y e i u o ou am iam ami ama ach iach ovi om ov ovia ove") | _HERS
_FOR_O = _set("o a u e y i em om ovi um am ami ama ech ach ich") | _HIS
_FOR_E = _set("e i u a em om ovi im ich ech am ach iam iach emi ami ama ou") | _HIS
_FOR_SHORT_E = _set("e i im ich emi")  # Růže; of Nike no more, for too little is left of it
_BESIDE_E = _set("u m om em ovi")  # Orangeu
_FOR_UM = _set("um a u e i em om am ami ach ech")
_FOR_PLURAL = _set("y i ov om och mi ami ama um u ech ich ach am im")  # Kvety, Knihy, Potraviny
_BESIDE_Y = _set("ho mu m ovi")  # Sonyho, Pennym
_SHIFTED = {"k": "c", "h": "z", "g": "z"}  # Heureka: Heurece; č, ž and z are c and z here
_SHIFTS_BEFORE = _set("i ich")

_SHORT_ENDS = _set("a e o y ova ovy")

_LEAST_STEM = 3
_FLEETING_BEFORE = frozenset("kcrlnv")
_KNOWN_ADJECTIVES = ("sky", "cky", "ska", "cka", "ske", "cke")


def slavic(word: str, folded: str, *, anchored: bool) -> Iterator[Form]:
    """`word` is as it was written, in lower case. Beside other words that have to be there too (`anchored`) it is taken
    for an adjective where it may be one, and its genitive plural may have no ending."""
    last, stem = folded[-1], folded[:-1]
    if last not in VOWELS:
        yield from _nouns(_of_consonant(word, folded), _SHORT_ENDS, anchored)
    elif len(stem) >= _LEAST_STEM:
        yield from _nouns(_of_vowel(folded, stem, last), _SHORT_ENDS | ({"u"} if last == "a" else set()), anchored)
        if anchored and last in "ay":
            yield Form(stem, frozenset({""}))
        if _is_adjective(word, folded, anchored):
            yield Form(stem, _ADJECTIVE)


def _nouns(forms: Iterator[Form], short: frozenset[str], anchored: bool) -> Iterator[Form]:
    """Alone, a noun with a long vowel at its end would be an adjective, or a surname: starý, Rossmannová."""
    for form in forms:
        if anchored:
            yield form
        else:
            yield Form(form.stem, form.endings - short)
            yield Form(form.stem, form.endings & short, ends_short=True)


def _of_vowel(folded: str, stem: str, last: str) -> Iterator[Form]:
    match last:
        case "a":
            yield Form(stem, _FOR_A)
            yield from _shifted(stem, frozenset({"e", *_HERS}))
        case "o":
            yield Form(stem, _FOR_O)
            yield from _shifted(stem, _SHIFTS_BEFORE)
        case "e":
            yield from _of_e(folded, stem)
        case "y" | "i":
            yield Form(folded, _BESIDE_Y)
            if len(stem) > _LEAST_STEM:
                yield Form(stem, _FOR_PLURAL)


def _of_e(folded: str, stem: str) -> Iterator[Form]:
    yield Form(folded, _BESIDE_E)
    yield Form(stem, _FOR_E if len(stem) > _LEAST_STEM else _FOR_SHORT_E)
    if stem.endswith("i"):  # Zdravie: zdraví, zdravím
        yield Form(stem, frozenset({"", "m"}))
    elif len(stem) > 2 * _LEAST_STEM:
        yield Form(stem, frozenset({""}))  # Vodafon


def _of_consonant(word: str, folded: str) -> Iterator[Form]:
    for stem in _oblique_stems(word, folded):
        yield Form(stem, _AFTER_CONSONANT)
        yield from _shifted(stem, _SHIFTS_BEFORE)
    if folded.endswith("um") and len(folded) > _LEAST_STEM + 1:
        yield Form(folded[:-2], _FOR_UM)


def _oblique_stems(word: str, folded: str) -> Iterator[str]:
    """That of all cases but the nominative, or several that it may be."""
    yield folded
    third, second, last = tuple(folded[-3:].rjust(3))
    if second in "eo" and last in _FLEETING_BEFORE and third not in VOWELS and len(folded) > _LEAST_STEM:
        yield folded[:-2] + last  # Hrnek: hrnku; kaviareň: kaviarne; Zvonok: zvonka
    if word[-2:-1] == "ů":  # Dům: domu
        yield f"{folded[:-2]}o{last}"


def _shifted(stem: str, endings: frozenset[str]) -> Iterator[Form]:
    if stem.endswith("ch"):
        yield Form(stem[:-2] + "s", endings)
    elif stem[-1] in _SHIFTED:
        yield Form(stem[:-1] + _SHIFTED[stem[-1]], endings)


def _is_adjective(word: str, folded: str, anchored: bool) -> bool:
    return word[-1] in "ýáéí" or folded.endswith(_KNOWN_ADJECTIVES) or (anchored and folded[-1] in "yaei")
