"""What the company lets replies say about itself, beyond [company]: one file of phrases a language.

`company.facts`/sk.toml holds lines such as `returns = "14 dní od prevzatia"`, which sentences use as {fact.returns}.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from monitor.errors import ConfigError
from monitor.options import CompanyOptions, DraftingOptions
from responders import playbook
from responders.playbook import own_text, with_address

_KEY = re.compile(r"[a-z][a-z0-9_]*")
_LANGUAGE = re.compile(r"[a-z]{2}")
_LONGEST = 200  # characters: a phrase, no essay


def load(folder: Path | None, language: str, *, formal: bool = True) -> Mapping[str, str]:
    """The facts of `folder`/LANGUAGE.toml by key; none where there is no such file.

    Raises ConfigError naming file, key and what to do.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigError([f"company.facts: {folder} is no folder; make it, with a file such as sk.toml in it"])
    path = folder / f"{language}.toml" if folder is not None and _LANGUAGE.fullmatch(language) else None
    if path is None or not path.is_file():
        return {}
    written = _parsed(path)
    if problems := [f"{path}: {problem}" for key, value in written.items() for problem in _problems(key, value)]:
        raise ConfigError(problems)
    return {key: " ".join(with_address(value, formal).split()) for key, value in written.items()}


def mistakes_in_texts(company: CompanyOptions, drafting: DraftingOptions) -> list[str]:
    """What is wrong with the playbooks and the facts in the languages that customers are answered in."""
    found: dict[str, None] = {}
    for language in (*drafting.languages, drafting.fallback_language):
        for read in (
            partial(playbook.load, language, drafting.playbooks, formal=drafting.formal),
            partial(load, company.facts, language, formal=drafting.formal),
        ):
            try:
                read()
            except ConfigError as error:
                found.update(dict.fromkeys(error.problems))
    return list(found)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(own_text(path))
    except tomllib.TOMLDecodeError as error:
        hint = 'every line is key = "text", the text in quotes'
        raise ConfigError([f"{path}: {error}; {hint}"]) from error


def _problems(key: str, value: object) -> Iterator[str]:
    if not _KEY.fullmatch(key):
        yield f"{key}: a key is one word of small letters a to z, digits and _, e.g. returns"
    if isinstance(value, dict):
        yield f'{key}: is a table; write one line for each fact, e.g. {key} = "…", without [{key}]'
    elif not isinstance(value, str):
        yield f'{key}: must be text in quotes, as it stands in a sentence, e.g. {key} = "{value}"'
    elif not value.strip():
        yield f"{key}: is empty; write the fact, or delete the line"
    elif len(value) > _LONGEST:
        yield f"{key}: has {len(value)} characters; a fact is a phrase of at most {_LONGEST}"
    elif re.search(r"[{}<>\[\]]", with_address(value, True)):
        yield f"{key}: holds a bracket; only [formal|familiar] is understood"
