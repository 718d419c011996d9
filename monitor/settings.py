"""config.toml, read and checked: every mistake at once, with its line and what to do about it."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

import connectors
from monitor.channels.mistakes import mistakes as mistakes_of_channels
from monitor.errors import ConfigError
from monitor.logs import mask, mask_queries, printable
from monitor.mistakes import Mistake, bool_mistakes, did_you_mean, mistakes_of
from monitor.options import Config, SourceOptions
from monitor.people import mistakes as mistakes_of_people
from monitor.toml_lines import line_of
from monitor.watch.sources import mistakes as mistakes_of_terms

Table = dict[str, Any]
Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_KIND = re.compile(r"[a-z][a-z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFERENCE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))", re.ASCII)
_NOT_WRITTEN = ("sources", "base")
_HANDED_OVER = "is set by Ohlas itself; delete this line"
_SECRET_FILE_LIMIT = 65_536  # characters
_TOO_SHORT_TO_MASK = 6  # characters; "rss" in a sentence is no secret


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable configuration, and what a person may want to change all the same."""

    config: Config
    warnings: tuple[str, ...]


def load(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Raise a ConfigError that holds every mistake, each with its line, key and what to do."""
    return read(path, environ).config


def read(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Like `load`, and tells what is allowed but unwise, such as a secret written in clear.

    `environ` is the process's environment where nothing else is given; "$NAME" takes its value from there.
    """
    text = _text(path)
    written = _parsed(text, path.name)
    document = _Document(path.name, text, path.resolve().parent, os.environ if environ is None else environ)
    config = document.config(written)
    if config is None or document.mistakes:
        raise ConfigError(document.problems())
    return Loaded(config, tuple(document.worded(_warnings(config, written))))


def connector_kinds() -> list[str]:
    """The files of connectors/ that read a source."""
    found = pkgutil.iter_modules(connectors.__path__)
    return sorted(module.name for module in found if not module.ispkg and _KIND.fullmatch(module.name))


def connector_module(kind: str) -> ModuleType:
    """connectors/<kind>.py. Raises ConfigError where there is none, or where it cannot be used here."""
    kinds = connector_kinds()
    if kind not in kinds:
        hint = did_you_mean(kind, kinds)
        raise ConfigError([f"unknown kind of source{f'{hint} There' if hint else '; there'} are: {', '.join(kinds)}"])
    try:
        module = importlib.import_module(f"connectors.{kind}")
    except ModuleNotFoundError as error:
        raise ConfigError([f'needs the Python package "{error.name}", which is not installed']) from error
    if not (_is_settings(getattr(module, "Settings", None)) and callable(getattr(module, "connect", None))):
        raise ConfigError([f'connectors/{kind}.py has no "Settings" or no "connect", so it cannot read a source'])
    return module


def secrets_of(config: Config) -> frozenset[str]:
    """Every secret that the configuration holds, for the mask of the log."""
    models: list[BaseModel] = [config, *config.sources.values()]
    return frozenset(secret for model in models for _, secret in _secrets(model) if secret)


def shown(config: Config) -> Table:
    """All settings as plain values that JSON can hold, secrets masked."""
    core: Table = config.model_dump(mode="json", exclude={*_NOT_WRITTEN})
    sources = {
        name: options.model_dump(mode="json", exclude={"name", "base"}) for name, options in config.sources.items()
    }
    masked: Table = _masked({**core, "sources": sources}, secrets_of(config))
    return masked


def as_lines(settings: Table, prefix: str = "") -> Iterator[str]:
    """What `shown` gives, one `page.port = 8080` a line."""
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from as_lines(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} = {value!r}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        hint = "run this in a folder that holds a config.toml, or name one with --config"
        raise ConfigError([f"{path}: there is no such file; {hint}"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{path}: is a folder; name the file in it, e.g. {path / 'config.toml'}"]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path.name} line {line}: is not UTF-8; save the file as UTF-8"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); check who may read it"]) from None


def _parsed(text: str, name: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(str(error), text, name)]) from None


def _syntax_problem(message: str, text: str, name: str) -> str:
    what, _, place = message.partition(" (at ")
    line = re.search(r"line (\d+)", place)
    number = int(line[1]) if line else text.rstrip().count("\n") + 1
    return f"{name} line {number}: {_syntax_hint(what)}"


def _syntax_hint(what: str) -> str:
    if what.startswith("Cannot declare"):
        return "this table stands twice in the file; merge the two, or give one of them another name"
    if what.startswith("Cannot overwrite"):
        return "this key stands twice in its table; delete one of them"
    if "Unescaped" in what or "escape" in what:
        return "a backslash in double quotes needs doubling; write the text in single quotes instead"
    return "is not valid TOML; text stands in quotes, and every quote and bracket is closed on the same line"


@dataclass
class _Document:
    """One config.toml while it is read; gathers mistakes instead of stopping at the first."""

    name: str
    text: str
    base: Path
    environ: Mapping[str, str]

    def __post_init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def problems(self) -> list[str]:
        return list(self.worded(self.mistakes))

    def worded(self, mistakes: list[Mistake]) -> Iterator[str]:
        """In the order of the file."""
        placed = [(line_of(self.text, mistake.path) or 0, mistake) for mistake in mistakes]
        for line, mistake in sorted(placed, key=lambda pair: pair[0]):
            where = f"{self.name} line {line}" if line else self.name
            yield f"{where}: {'.'.join(map(_key, mistake.path))}: {mistake.text}"

    def config(self, written: Table) -> Config | None:
        """None where the sections outside `sources` cannot be used; the mistakes say why."""
        core = self._section(Config, {k: v for k, v in written.items() if k != "sources"}, (), {})
        sources = dict(self._sources(written.get("sources", {})))
        if core is None:
            return None
        service = core.service.model_copy(update={"state": self.base / core.service.state})
        update = {"service": service, "sources": sources, "base": self.base}
        if core.drafting.playbooks is not None:
            update["drafting"] = core.drafting.model_copy(update={"playbooks": self.base / core.drafting.playbooks})
        if core.company.facts is not None:
            update["company"] = core.company.model_copy(update={"facts": self.base / core.company.facts})
        if core.mail is not None and core.mail.ca is not None:
            update["mail"] = core.mail.model_copy(update={"ca": self.base / core.mail.ca})
        whole = core.model_copy(update=update)
        self.mistakes.extend(_rivals(sources))
        self.mistakes.extend(mistakes_of_people(whole))
        if whole.follow_up.ask and not whole.page.url:
            self.mistakes.append(Mistake(("follow_up", "ask"), "needs page.url, an address that customers reach"))
        self.mistakes.extend(mistakes_of_terms(whole))
        self.mistakes.extend(mistakes_of_channels(whole))
        return whole

    def _sources(self, written: object) -> Iterator[tuple[str, SourceOptions]]:
        if not isinstance(written, dict):
            self.mistakes.append(Mistake(("sources",), "must be tables, one for each source: [sources.NAME]"))
            return
        seen: set[str] = set()
        for name, table in written.items():
            self._check_name(name, seen)
            options = self._source(name, table)
            if options is not None:
                yield name, options

    def _check_name(self, name: str, seen: set[str]) -> None:
        if not _NAME.fullmatch(name):
            text = "a source's name may hold letters without accents, digits, - and _, at most 64 of them"
            self.mistakes.append(Mistake(("sources", name), text))
        if name.casefold() in seen:
            text = "another source has this name but for capital letters; give one of them another name"
            self.mistakes.append(Mistake(("sources", name), text))
        seen.add(name.casefold())

    def _source(self, name: str, table: object) -> SourceOptions | None:
        path = ("sources", name)
        if not isinstance(table, dict):
            self.mistakes.append(Mistake(path, f"must be a table of its own: [sources.{_key(name)}]"))
            return None
        model = self._model(path, table.get("kind"))
        handed_over = {"name": name, "base": self.base}
        return None if model is None else self._section(model, table, path, handed_over)

    def _model(self, path: tuple[str, ...], kind: object) -> type[SourceOptions] | None:
        if not isinstance(kind, str):
            text = f'say what reads this source, e.g. kind = "rss"; there are: {", ".join(connector_kinds())}'
            self.mistakes.append(Mistake((*path, "kind"), text))
            return None
        try:
            settings: type[SourceOptions] = connector_module(kind).Settings
        except ConfigError as error:
            self.mistakes.extend(Mistake((*path, "kind"), problem) for problem in error.problems)
            return None
        return settings

    def _section(self, model: type[Model], table: Table, path: Place, handed_over: Table) -> Model | None:
        """One table as its options, or None and at least one mistake more."""
        before = len(self.mistakes)
        self.mistakes.extend(Mistake((*path, key), _HANDED_OVER) for key in table if key in ("base", *handed_over))
        values = {key: self._resolved(value, (*path, key)) for key, value in table.items()}
        try:
            options = model.model_validate({**values, **handed_over})
        except ValidationError as error:
            self._add(mistakes_of(error, model, values), path, values)
            return None
        self._add(bool_mistakes(options, values), path, values)
        return options if len(self.mistakes) == before else None

    def _add(self, mistakes: Iterable[Mistake], path: Place, values: Table) -> None:
        """One mistake for each place is enough, and what is wrong with a whole table may follow from that in one of
        its keys; a connector's own words may hold the value, so it is masked."""
        told = {mistake.path for mistake in self.mistakes}
        unset = any(where[: len(path)] == path for where in told)  # such as "$NAME" without a NAME
        texts = [text for key, value in values.items() if key != "kind" for text in _texts(value)]
        secrets = [text for text in texts if len(text) >= _TOO_SHORT_TO_MASK]
        for mistake in mistakes:
            if (*path, *mistake.path) not in told and (mistake.path or not unset):
                text = mask(mistake.text, secrets) if mistake.quoted else mistake.text
                self.mistakes.append(Mistake((*path, *mistake.path), text))

    def _resolved(self, value: Any, path: Place) -> Any:
        """`value` with "$NAME" replaced from the environment, however deep it stands."""
        if isinstance(value, dict):
            return {key: self._resolved(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(inner, (*path, index)) for index, inner in enumerate(value)]
        if not isinstance(value, str):
            return value
        if name := reference(value):
            return self._from_environment(name, value, path)
        return value[1:] if value.startswith("$$") else value

    def _from_environment(self, name: str, value: str, path: Place) -> str:
        try:
            return from_environment(name, self.environ)
        except ConfigError as error:
            self.mistakes.extend(Mistake(path, problem) for problem in error.problems)
            return value


def _rivals(sources: Mapping[str, SourceOptions]) -> Iterator[Mistake]:
    """Sources that would take away what another one is to read."""
    first: dict[str, str] = {}
    for name, options in sources.items():
        if options.emptied and (other := first.setdefault(options.emptied, name)) != name:
            text = f"reads what sources.{other} reads, and what one of them has read is gone for the other; delete one"
            yield Mistake(("sources", name), text)


def reference(value: str) -> str:
    """The variable that "$NAME" or "${NAME}" names; "" for any other text ("$$NAME" is the text "$NAME")."""
    match = _REFERENCE.fullmatch(value)
    return (match["braced"] or match["plain"]) if match else ""


def from_environment(name: str, environ: Mapping[str, str]) -> str:
    """The variable `name`, or what stands in the file that `name`_FILE names (as container secrets do).

    Raises ConfigError where neither or both are set, or where the file cannot be read.
    """
    value, file = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if value and file:
        raise ConfigError([f"both {name} and {name}_FILE are set in the environment; keep one of them"])
    if value:
        return value
    if not file:
        raise ConfigError([f"set {name} in the environment, or {name}_FILE to the path of a file that holds it"])
    return _secret_file(name, Path(file))


def _secret_file(name: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            value = file.read(_SECRET_FILE_LIMIT).rstrip("\r\n")
    except OSError as error:
        raise ConfigError([f"the file that {name}_FILE names cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"the file that {name}_FILE names is not UTF-8 text"]) from None
    if not value:
        raise ConfigError([f"the file that {name}_FILE names is empty"])
    return value


def _is_settings(candidate: object) -> TypeGuard[type[SourceOptions]]:
    return isinstance(candidate, type) and issubclass(candidate, SourceOptions)


def _warnings(config: Config, written: Table) -> list[Mistake]:
    found = list(_clear_secrets(config, written, ()))
    for name, options in config.sources.items():
        found.extend(_clear_secrets(options, written["sources"][name], ("sources", name)))
    if not config.sources:
        found.append(
            Mistake(("sources",), "no source is set up yet, so there is nothing to read; add a [sources.NAME]")
        )
    return [*found, *_of_mail(config)]


def _of_mail(config: Config) -> Iterator[Mistake]:
    if config.mail is None:
        return
    if not config.page.url:
        text = "links in mails lead to the page; without its address they work only on the machine where Ohlas runs"
        yield Mistake(("page", "url"), text)
    if not any(person.mail for person in config.people.values()):
        yield Mistake(("people",), "nobody has an address, so no mail is ever sent; give people a mail")
    if config.mail.imap_host and not config.mail.authserv_id:
        text = "without it a reply decides nothing; it is the first word of Authentication-Results in mails you receive"
        yield Mistake(("mail", "authserv_id"), text)


def _clear_secrets(model: BaseModel, written: Table, path: Place) -> Iterator[Mistake]:
    for place, _ in _secrets(model):
        value = _at(written, place)
        if isinstance(value, str) and value and not reference(value):
            variable = re.sub(r"\W|-", "_", "_".join(map(str, (*path, *place))).removeprefix("sources_")).upper()
            text = f'this secret is written in clear; write "${variable}" and set {variable} in the environment'
            yield Mistake((*path, *place), text)


def _secrets(value: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Where secrets stand in a model, and what they are."""
    if isinstance(value, SecretStr):
        yield place, value.get_secret_value()
        return
    for key, inner in _inside(value):
        yield from _secrets(inner, (*place, key))


def _inside(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return [(fields[name].alias or name, inner) for name, inner in value if name in fields and name != "sources"]
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list | tuple) else []


def _at(written: Any, place: Place) -> Any:
    for part in place:
        try:
            written = written[part]
        except (KeyError, IndexError, TypeError):
            return None
    return written


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for _, inner in _inside(value):
        yield from _texts(inner)


def _masked(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, str):
        return mask_queries(mask(value, secrets))
    if isinstance(value, dict):
        return {key: _masked(inner, secrets) for key, inner in value.items()}
    return [_masked(inner, secrets) for inner in value] if isinstance(value, list) else value


def _key(part: str | int) -> str:
    """A part of a key's path as it would be written in TOML."""
    return str(part) if re.fullmatch(r"[\w-]+", str(part), re.ASCII) else f'"{printable(str(part))}"'
