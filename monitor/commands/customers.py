"""Whom a person means by a name: everybody who wrote under it, so that two people are never taken for one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitor.commands.terminal import moment, on_one_line, table
from monitor.errors import Ambiguous, OhlasError
from monitor.model import case_reference

if TYPE_CHECKING:
    from monitor.options import Config
    from monitor.store.customers import Written
    from monitor.store.sqlite import SqliteStore

LONGEST = 1_000  # characters of what somebody is called
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What was asked for: a name or account, on which sources (empty: all), or one mention; `everyone`: all of that
    name, and what is in the same matters."""

    author: str = ""
    sources: tuple[str, ...] = ()
    mention: str = ""
    everyone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One writer on one source. `account` is "" where the source tells none. `linked`: he wrote under another name, in
    the same matter."""

    source: str
    names: tuple[str, ...]
    account: str
    written: tuple[Written, ...]
    linked: bool = False

    @property
    def called(self) -> str:
        account = f" ({self.account})" if self.account and self.account not in self.names else ""
        return f"{', '.join(self.names) or 'no name'}{account}"


def whom(function: F) -> F:
    """The options that say who is meant."""
    for option in (
        click.option("--all", "everyone", is_flag=True, help="Everybody of that name, and the same matters."),
        click.option("--mention", default="", metavar="WHICH", help="The writer of a mention: SOURCE/ID, or a draft."),
        click.option("--source", "sources", multiple=True, metavar="NAME", help="Only on this source; repeatable."),
        click.option("--author", default="", metavar="NAME", help="A customer's name or account, in any spelling."),
    ):
        function = option(function)
    return function


def found(store: SqliteStore, config: Config, sought: Sought) -> list[Customer]:
    """The one customer who is meant, or all of them where that was said. Raises OhlasError with what to choose from."""
    kinds = {name: options.kind for name, options in config.sources.items()}
    if sought.mention:
        return [_writer(store, kinds, sought.mention)]
    customers = [
        one
        for one in customers_among(store.customers.called(sought.author), kinds)
        if not sought.sources or one.source in sought.sources
    ]
    if not customers:
        raise OhlasError(_nobody(sought))
    if sought.everyone:
        return [*customers, *_linked(store, kinds, customers)]
    if len(customers) > 1:
        raise Ambiguous(_choice(sought, customers))
    return customers


def customers_among(written: Sequence[Written], kinds: Mapping[str, str]) -> list[Customer]:
    """The same account is the same person; without one, the same name on the same source is taken for it."""
    from monitor.authors import accounts
    from monitor.text import fold

    found: dict[tuple[str, str], list[Written]] = defaultdict(list)
    shown: dict[tuple[str, str], str] = {}
    for one in written:
        account = min(accounts(one.mention, kinds.get(one.mention.source, "")), default="").partition(":")[2]
        key = (one.mention.source, account or fold(one.mention.author))
        shown[key] = account
        found[key].append(one)
    return [
        Customer(
            source=key[0],
            names=tuple(dict.fromkeys(one.mention.author for one in group if one.mention.author)),
            account=shown[key],
            written=tuple(group),
        )
        for key, group in sorted(found.items())
    ]


def listed(customers: Sequence[Customer]) -> list[str]:
    """A line for each, with when he wrote."""
    rows = [
        (
            one.source,
            one.called,
            str(len(one.written)),
            moment(min(each.mention.created_at for each in one.written)),
            moment(max(each.mention.created_at for each in one.written)),
            ", ".join(sorted({case_reference(each.case_id) for each in one.written if each.case_id})[:3])
            + (" (same matter)" if one.linked else ""),
        )
        for one in customers
    ]
    return list(table(("source", "name", "mentions", "first", "last", "matters"), rows))


def as_shapes(customers: Sequence[Customer]) -> list[dict[str, Any]]:
    return [
        {
            "source": one.source,
            "names": list(one.names),
            "account": one.account,
            "mentions": len(one.written),
            "same_matter": one.linked,
        }
        for one in customers
    ]


def row_ids(customers: Sequence[Customer]) -> list[int]:
    return sorted({each.row_id for one in customers for each in one.written})


def _writer(store: SqliteStore, kinds: Mapping[str, str], which: str) -> Customer:
    """By the writer of one mention: everything of his account, or, where there is none, that mention alone."""
    one = _written(store, which)
    if one is None:
        raise OhlasError(f"there is no mention {which!r} that is kept; write SOURCE/ID, or the number of its draft")
    same = [one, *(other for other in store.customers.called(one.mention.author) if other.row_id != one.row_id)]
    customers = customers_among(same, kinds)
    writer = next(customer for customer in customers if one.row_id in row_ids([customer]))
    return writer if writer.account else replace(writer, written=(one,))


def _written(store: SqliteStore, which: str) -> Written | None:
    source, slash, external_id = which.partition("/")
    if slash:
        known = store.corrections.find(source, external_id)
        return store.customers.of(known[0]) if known else None
    return store.customers.of(store.drafts.get(int(which)).mention_id) if which.isdecimal() else None


def _linked(store: SqliteStore, kinds: Mapping[str, str], customers: Sequence[Customer]) -> list[Customer]:
    """What the same people wrote in the same matters under other names."""
    known = set(row_ids(customers))
    cases = sorted({each.case_id for one in customers for each in one.written if each.case_id is not None})
    others = [one for one in store.customers.of_cases(cases) if one.row_id not in known] if cases else []
    return [
        Customer(source=one.source, names=one.names, account=one.account, written=one.written, linked=True)
        for one in customers_among(others, kinds)
    ]


def _nobody(sought: Sought) -> str:
    where = f" on {', '.join(sought.sources)}" if sought.sources else ""
    return (
        f"nobody called {on_one_line(sought.author)!r}{where} wrote anything that is kept; try the name as it stands"
        " at the source (`ohlas export` lists all), or --mention SOURCE/ID"
    )


def _choice(sought: Sought, customers: Sequence[Customer]) -> list[str]:
    """ "3 people of this name", with what tells them apart, and what to write."""
    short = ", ".join(f"{one.source} {one.called} ({len(one.written)})" for one in customers)
    ways = ["--source NAME" if len({one.source for one in customers}) > 1 else "", "--mention SOURCE/ID"]
    ways.insert(1, "the account as --author" if any(one.account for one in customers) else "")
    return [
        f"{len(customers)} people of this name: {on_one_line(short)}",
        *listed(customers),
        f"Choose with {', '.join(way for way in ways if way)}, or take them for one person with --all.",
    ]


def checked(sought: Sought) -> Sought:
    """Raises UsageError where it does not say whom."""
    if bool(sought.author.strip()) == bool(sought.mention.strip()):
        raise click.UsageError("say whom with --author NAME or with --mention SOURCE/ID, one of them")
    if not all(_is_text(one) for one in (sought.author, sought.mention)):
        raise click.UsageError(f"a name, an account or SOURCE/ID is UTF-8 of at most {LONGEST:,} characters")
    if sought.mention and (sought.sources or sought.everyone):
        raise click.UsageError("--mention names one mention; --source and --all go with --author")
    return sought


def _is_text(given: str) -> bool:
    """Bytes of another encoding come as halves of surrogate pairs."""
    return len(given) <= LONGEST and not any("\ud800" <= letter <= "\udfff" for letter in given)
