"""What is wrong with an option, in words for the person who wrote it. The value is never shown: it may be a secret."""

from __future__ import annotations

import difflib
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from monitor.options import Config, SourceOptions

Place = tuple[str | int, ...]
_NOBODY_WRITES = {SourceOptions: {"name", "base"}, Config: {"base"}}  # set when config.toml is read

_QUOTED = ("value_error", "assertion_error")
_WANTED = {
    "string": "text in quotes",
    "bool": "true or false",
    "tuple": 'a list, e.g. ["one", "two"]',
    "list": 'a list, e.g. ["one", "two"]',
    "set": 'a list, e.g. ["one", "two"]',
    "frozen_set": 'a list, e.g. ["one", "two"]',
    "dict": "a table, e.g. { key = value }",
    "path": "the path of a file or folder, in quotes",
    "datetime": "a date with a time",
    "date": "a date",
}
_GIVEN: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),  # before int: a bool is one
    (str, "text"),
    (int, "a number"),
    (float, "a number"),
    (list, "a list"),
    (dict, "a table"),
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """`path` is where it stands in config.toml: ("sources", "reviews", "interval").

    `quoted` texts are a connector's own words, which may hold the value.
    """

    path: Place
    text: str
    quoted: bool = False


def mistakes_of(error: ValidationError, model: type[BaseModel], written: Mapping[str, Any]) -> list[Mistake]:
    """Every mistake that `error` holds, one for each place, with paths relative to the table `written`."""
    found: dict[Place, Mistake] = {}
    details = error.errors(include_url=False)
    holders = {detail["loc"][:-1] for detail in details}
    for detail in details:
        if detail["type"] == "too_short" and detail["loc"] in holders:
            continue  # a list of which no entry could be used is not empty
        mistake = _mistake(detail, model, written)
        found.setdefault(mistake.path, mistake)
    return list(found.values())


def did_you_mean(word: str, words: Collection[str]) -> str:
    close = difflib.get_close_matches(word.lower(), list(words), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def bool_mistakes(model: BaseModel, written: Mapping[str, Any]) -> Iterator[Mistake]:
    """pydantic takes `interval = true` for one second; nobody means that."""
    for key, value in written.items():
        read = getattr(model, key, None)
        if isinstance(value, bool) and isinstance(read, int | float) and not isinstance(read, bool):
            field = type(model).model_fields.get(key)
            yield Mistake((key,), f"must be {_number(field)}, not true or false")
        elif isinstance(read, BaseModel) and isinstance(value, Mapping):
            for inner in bool_mistakes(read, value):
                yield Mistake((key, *inner.path), inner.text)


def _mistake(detail: ErrorDetails, model: type[BaseModel], written: Mapping[str, Any]) -> Mistake:
    loc: Place = tuple(detail["loc"])
    if detail["type"] == "extra_forbidden":
        return Mistake(loc, _unknown(loc, model))
    if detail["type"] == "missing":
        return Mistake(loc, f"is missing{_about(_field(model, loc))}")
    quoted = detail["type"] in _QUOTED
    return Mistake(_as_written(loc, written), _wrong(detail, _field(model, loc)), quoted)


def _as_written(loc: Place, written: Any) -> Place:
    """pydantic adds the names of union members to a place; people only know the keys that they wrote."""
    path: list[str | int] = []
    for part in loc:
        try:
            written = written[part]
        except (KeyError, IndexError, TypeError):
            break
        path.append(part)
    return tuple(path)


def _unknown(loc: Place, model: type[BaseModel]) -> str:
    inner = _model_at(model, loc[:-1])
    known = [] if inner is None else _writable(inner)
    hint = did_you_mean(str(loc[-1]), known)
    if not hint and known:
        hint = f"; there are: {', '.join(known)}"
    return f"unknown option{hint}"


def _wrong(detail: ErrorDetails, field: FieldInfo | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind.partition("_")[0] in ("int", "float", "finite", "greater", "less", "decimal"):
        return f"must be {_number(field, whole=kind.startswith('int'))}{_not_given(detail)}"
    if kind == "literal_error" or kind == "enum":
        return f"must be one of {context['expected'].replace(chr(39), chr(34))}"
    if kind == "string_pattern_mismatch":
        return _pattern(context["pattern"], field)
    if kind.endswith(("too_short", "too_long")):
        return _length(context, "characters" if kind.startswith("string") or _is_secret(field) else "entries")
    if kind in _QUOTED:
        return detail["msg"].partition(", ")[2] or detail["msg"]
    wanted = _table(field) if kind == "model_type" else _WANTED.get(kind.rpartition("_")[0])
    if wanted is None:
        return f"cannot be used{_about(field)}"
    return f"must be {wanted}{_not_given(detail)}"


def _table(field: FieldInfo | None) -> str:
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    inner = next((model for kind in kinds if (model := _model_in(kind))), None)
    needed = [key for key, one in _keys(inner).items() if one.is_required()] if inner else []
    return f"a table, e.g. {{ {needed[0] if needed else 'key'} = … }}"


def _is_secret(field: FieldInfo | None) -> bool:
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    return SecretStr in kinds


def _length(bounds: Mapping[str, Any], unit: str) -> str:
    if bounds.get("min_length") == 1:
        return "must not be empty"
    if "min_length" in bounds:
        return f"must have at least {bounds['min_length']} {unit}"
    return f"must have at most {bounds.get('max_length')} {unit}"


def _not_given(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if not kind.endswith(("_type", "_parsing")):
        return ""
    given = next((words for python, words in _GIVEN if isinstance(detail["input"], python)), "")
    return f", not {given}" if given else ""


def _number(field: FieldInfo | None, *, whole: bool = False) -> str:
    bounds = [words for rule in (field.metadata if field else ()) if (words := _bound(rule))]
    number = "a whole number" if whole or (field is not None and field.annotation is int) else "a number"
    return f"{number} of {' and '.join(bounds)}" if bounds else number


def _bound(rule: object) -> str:
    if isinstance(rule, Ge):
        return f"at least {rule.ge:.15g}"
    if isinstance(rule, Gt):
        return f"more than {rule.gt:.15g}"
    if isinstance(rule, Le):
        return f"at most {rule.le:.15g}"
    return f"less than {rule.lt:.15g}" if isinstance(rule, Lt) else ""


def _pattern(pattern: str, field: FieldInfo | None) -> str:
    if "[a-z]{2}" in pattern:
        return 'must be a two-letter language code such as "sk"'
    if pattern.lstrip("^(").startswith("https?://"):
        return f"must be an address that begins with https://{_about(field)}"
    return f"does not have the form that is expected here{_about(field)}"


def _about(field: FieldInfo | None) -> str:
    return f" ({field.description})" if field is not None and field.description else ""


def _keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _writable(model: type[BaseModel]) -> list[str]:
    set_by_us = {key for owner, keys in _NOBODY_WRITES.items() if issubclass(model, owner) for key in keys}
    return sorted(_keys(model).keys() - set_by_us)


def _field(model: type[BaseModel], loc: Place) -> FieldInfo | None:
    """The innermost option that a place names."""
    found: FieldInfo | None = None
    current: type[BaseModel] | None = model
    for part in loc:
        if current is None or not isinstance(part, str):
            break
        found = _keys(current).get(part, found)
        current = _model_at(current, (part,))
    return found


def _model_at(model: type[BaseModel], path: Place) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for part in path:
        field = _keys(current).get(str(part)) if current is not None else None
        current = _model_in(field.annotation) if field is not None else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        return next((model for member in get_args(annotation) if (model := _model_in(member))), None)
    return None
