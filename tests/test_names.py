"""German, Austrian and Polish customers are greeted by name as they spell it, and in Polish by title and vocative."""

from __future__ import annotations

import pytest

from responders.names import Gender, gender, given_name, greeted


@pytest.mark.parametrize(
    ("author", "language", "name"),
    [
        ("Lukas Huber", "de", "Lukas"),
        ("Lukas Novak", "sk", "Lukáš"),
        ("Jurgen Mayer", "de", "Jürgen"),
        ("Mag. Anna-Lena Huber", "de", "Anna-Lena"),
        ("Frau Gruber", "de", ""),
        ("Jürgen Mayer", "sk", "Jürgen"),
        ("Kowalski Tomasz", "pl", "Tomasz"),
        ("Malgorzata N.", "pl", "Małgorzata"),
        ("Lukasz Nowak", "pl", "Łukasz"),
        ("Michal", "pl", "Michał"),
        ("Michal", "sk", "Michal"),
    ],
)
def test_names_are_spelled_as_in_the_language(author: str, language: str, name: str) -> None:
    assert given_name(author, language) == name


@pytest.mark.parametrize(
    ("name", "vocative", "whose"),
    [
        ("Anna", "Anno", "woman"),
        ("Kasia", "Kasiu", "woman"),
        ("Maria", "Mario", "woman"),
        ("Noemi", "Noemi", "other"),
        ("Tomasz", "Tomaszu", "man"),
        ("Paweł", "Pawle", "man"),
        ("Jerzy", "Jerzy", "man"),
        ("Kuba", "Kubo", "man"),
    ],
)
def test_polish_greets_in_the_vocative(name: str, vocative: str, whose: Gender) -> None:
    assert greeted(name, "pl") == vocative
    assert greeted(name, "de") == name
    assert gender(name) == whose
