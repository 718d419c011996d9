"""Which of the configured languages a text is in."""

from __future__ import annotations

from collections.abc import Sequence

import regex

FOREIGN_MARGIN = 2.0  # how much better an unconfigured language must fit before a text counts as foreign
HINT_BONUS = 1.5  # what the source's own word is worth against the letters
CLOSE_CALL = 2.5  # Slovak and Czech nearer than this are told apart by tell-tale words
FEWEST_LETTERS = 3

_LETTER = regex.compile(r"\p{L}")
_NOT_WORDS = regex.compile(r"https?://\S+|www\.\S+|\bhttps?\b|[@#][\p{L}\p{N}_.]+")
_SCRIPTS = {
    "Latin": regex.compile(r"\p{Latin}"),
    "Cyrillic": regex.compile(r"\p{Cyrillic}"),
    "Greek": regex.compile(r"\p{Greek}"),
    "Arabic": regex.compile(r"\p{Arabic}"),
}
_SCRIPT_OF = {"bg": "Cyrillic", "ru": "Cyrillic", "uk": "Cyrillic", "mk": "Cyrillic", "el": "Greek", "ar": "Arabic"}

# What only one of the two close neighbours writes, with and without diacritics.
_SLOVAK = regex.compile(
    r"[ľĺŕôäĽĹŔÔÄ]|\b(?:čo|nie|som|sme|ste|sú|ktor\w+|veľmi|velmi|keď|ked|ako|lebo|alebo|iba|ešte|este|dobre|takže|"
    r"pekn\w+|bol[aio]?|nebol[aio]?|možno|mozno|viac|menej|úplne|celkom|dlho|tovar\w*|rýchl\w+|odporúčam|neodporúčam|"
    r"odporucam|ďakujem|dakujem|prečo|preco|kde|vôbec|vobec|teraz|spokojn\w+|najlep\w+|najhor\w+|je\s+to|sa)\b",
    regex.IGNORECASE,
)
_CZECH = regex.compile(
    r"[řěůŘĚŮ]|\b(?:co|jsem|jsme|jste|jsou|kter\w+|velmi|když|kdyz|jako|nebo|protože|pouze|ještě|jeste|dobře|takže|"
    r"pěkn\w+|byl[aoiy]?|nebyl[aoiy]?|možná|mozna|více|vice|méně|úplně|celkem|dlouho|zboží|zbozi|rychl\w+|doporučuji|"
    r"nedoporučuji|doporucuji|děkuji|dekuji|proč|vůbec|teď|ted|spokojen\w*|nejlep\w+|nejhor\w+|není|neni|se)\b",
    regex.IGNORECASE,
)


def identify(text: str, languages: Sequence[str], hint: str = "") -> str:
    """The code of one of `languages` (ISO 639-1), or "" where none of them fits.

    `hint` is what the source says; it decides where the text is a single word, or in a language that we cannot tell.
    """
    return identify_many([text], languages, [hint])[0]


def identify_many(texts: Sequence[str], languages: Sequence[str], hints: Sequence[str]) -> list[str]:
    """`identify` for many texts at once, which is far quicker than one by one."""
    from monitor import language_model  # numpy is not needed by those who never ask

    if not texts:
        return []
    model = language_model.shipped()
    known = [code for code in languages if code in model.languages]
    columns = [model.languages.index(code) for code in known]
    cleaned = [_without_names(text) for text in texts]
    scores = model.scores(cleaned)
    best = scores.max(axis=1).tolist()
    ours = scores[:, columns].tolist()
    return [
        _decide(text, dict(zip(known, row, strict=True)), top, hint if hint in languages else "")
        for text, row, top, hint in zip(cleaned, ours, best, hints, strict=True)
    ]


def _without_names(text: str) -> str:
    """Links, handles and hashtags say nothing about the language of the rest."""
    if "@" in text or "#" in text or "http" in text or "www." in text:
        return _NOT_WORDS.sub(" ", text)
    return text


def _decide(text: str, scores: dict[str, float], best: float, hint: str) -> str:
    """`scores` of the configured languages, `best` of all that the model knows."""
    if _too_short(text) or (hint and hint not in scores):
        return hint
    scores = _in_its_script(text, scores)
    if hint in scores and len(text.split()) == 1:
        return hint
    if hint in scores:
        scores[hint] += HINT_BONUS
    if not scores:
        return ""
    found = max(scores, key=scores.__getitem__)
    if best - scores[found] > FOREIGN_MARGIN:
        return ""
    if found in ("sk", "cs") and abs(scores.get("sk", -99.0) - scores.get("cs", -99.0)) < CLOSE_CALL:
        return _slovak_or_czech(text) or found
    return found


def _too_short(text: str) -> bool:
    return len(text) < 40 and len(_LETTER.findall(text)) < FEWEST_LETTERS


def _in_its_script(text: str, scores: dict[str, float]) -> dict[str, float]:
    """Only languages that are written in the script in which most of the text is."""
    if text.isascii() or max(text) < "\u0370":
        script = "Latin"
    else:
        letters = _LETTER.findall(text)
        counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS.items()}
        script = max(counts, key=counts.__getitem__)
        if counts[script] * 2 < len(letters):
            return {}
    return {code: score for code, score in scores.items() if _SCRIPT_OF.get(code, "Latin") == script}


def _slovak_or_czech(text: str) -> str:
    """ "sk" or "cs" where more words and letters tell of the one than of the other, otherwise ""."""
    slovak, czech = len(_SLOVAK.findall(text)), len(_CZECH.findall(text))
    if slovak == czech:
        return ""
    return "sk" if slovak > czech else "cs"
