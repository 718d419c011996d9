"""`ohlas status`"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from monitor.budgets import in_words, standing
from monitor.commands.keeping import being_erased, kept_in_words
from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.running import is_running, page_url
from monitor.commands.terminal import echo_json, moment, on_one_line, unfolded

if TYPE_CHECKING:
    from datetime import datetime

    from monitor.options import Config
    from monitor.store.budgets import BudgetRow
    from monitor.store.channels import ChannelState
    from monitor.store.erasing import Erasure
    from monitor.store.sources import NoticeRow, SourceState
    from monitor.store.sqlite import SqliteStore

NOTICES = 5  # newest ones shown
SHOWN = 3  # sources that a budget is shown with


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def command(setup: Setup, as_json: bool) -> None:
    """Say whether Ohlas runs, how the sources are, and how much is waiting since when.

    \b
    Examples:
      ohlas status
      ohlas status --json
    """
    config = setup.config()
    with reading(config) as store:
        found = _found(config, store)
    if as_json:
        echo_json(found)
        return
    for line in _lines(found):
        click.echo(line)


def _found(config: Config, store: SqliteStore) -> dict[str, Any]:
    counts = store.views.counts()
    running = is_running(config.service.state)
    return {
        "running": running,
        "page": page_url(config) if running else "",
        "model": config.classifier.model or "embedded",
        "degraded": store.rescoring.trouble() if config.classifier.model else "",
        "mentions": counts.mentions,
        "labels": {label or "unjudged": count for label, count in counts.labels.items()},
        "drafts": counts.tabs,
        "waiting_since": counts.oldest_waiting,
        "sources": list(_sources(config, store.sources.all())),
        "budgets": [_budget(row, now()) for row in store.budgets.all()],
        "channels": list(_channels(config, store.channels.standing())),
        "kept": kept_in_words(config.retention),
        "erasing": [_erasure(one) for one in store.erasing.unfinished()],
        "notices": [_notice(notice) for notice in store.sources.notices(NOTICES)],
    }


def _sources(config: Config, seen: list[SourceState]) -> Iterator[dict[str, Any]]:
    """As config.toml lists them; one that the service has not met yet is "new"."""
    states = {state.name: state for state in seen}
    for name, options in config.sources.items():
        state = states.get(name)
        yield {
            "name": name,
            "kind": options.kind,
            "status": state.status if state else "new",
            "mentions": state.mentions if state else 0,
            "failures": state.failures if state else 0,
            "due": state.due if state else None,
            "last_ok": state.last_ok if state else None,
            "last_error": state.last_error if state else "",
            "error_at": state.error_at if state else None,
            "silent_since": state.silent_since if state else None,
        }


def _budget(row: BudgetRow, at: datetime) -> dict[str, Any]:
    budget = row.budget
    found = standing(budget, row.spending, at)
    return {
        "account": budget.account,
        "name": budget.name,
        "spent": round(found.spent, 4),
        "limit": budget.limit,
        "unit": budget.unit,
        "window": str(budget.window),
        "new_at": found.new_at,
        "closed_until": found.closed_until,
        "sources": list(row.sources),
        "text": in_words(budget),
    }


def _channels(config: Config, seen: list[ChannelState]) -> Iterator[dict[str, Any]]:
    """As config.toml lists them; one that the service has not met yet is "new"."""
    if config.channels is None:
        return
    from monitor.channels.listing import channels_of

    states = {state.key: state for state in seen}
    for key, channel in channels_of(config.channels).items():
        state = states.get(key)
        yield {
            "name": channel.name,
            "kind": channel.kind,
            "health": state.health if state else "new",
            "since": state.since if state else None,
            "code": state.code if state else "",
            "detail": state.detail if state else "",
            "checked_at": state.checked_at if state else None,
            "due": state.due if state else None,
        }


def _erasure(one: Erasure) -> dict[str, Any]:
    return {"at": one.at, "by": one.actor, "why": one.why, "mentions": one.mentions, "waiting": one.waiting}


def _notice(notice: NoticeRow) -> dict[str, Any]:
    return {"at": notice.at, "source": notice.source, "code": notice.code, "text": notice.text}


def _lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"Ohlas runs; its page is {found['page']}" if found["running"] else "Ohlas does not run; start: ohlas run"
    if found["degraded"]:
        yield on_one_line(f"THE EMBEDDED MODEL STANDS IN: {found['degraded']}")
    drafts = found["drafts"]
    since = f", the oldest since {moment(found['waiting_since'])}" if found["waiting_since"] else ""
    yield f"{drafts['waiting']} drafts wait for a person{since}"
    yield f"{drafts['approved']} are approved, {drafts['unknown']} need a look, {drafts['done']} are done"
    yield f"{found['mentions']} mentions: {_labels(found['labels'])}" if found["mentions"] else "no mentions yet"
    if found["sources"]:
        yield ""
        yield from unfolded(("source", "kind", "status", "mentions", "last read", "error"), _rows(found["sources"]))
    if used := [one for one in found["budgets"] if one["spent"] or one["closed_until"]]:
        yield ""
        yield from unfolded(("quota of", "used", "of", "new at", "shared by"), _budget_rows(used))
    if found["channels"]:
        yield ""
        yield from unfolded(
            ("channel", "kind", "health", "since", "looked at", "what was seen"), _looks(found["channels"])
        )
    yield ""
    yield from (f"kept: {line}" for line in found["kept"][:1])
    yield from being_erased(found["erasing"])
    for notice in found["notices"]:
        source, code = notice["source"], notice["code"].replace("_", " ")
        yield on_one_line(f"{moment(notice['at'])}  {source}: {code} {notice['text']}")


def _budget_rows(budgets: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            one["account"].partition(":")[0],
            f"{one['spent']:,g}",
            one["text"],
            moment(one["closed_until"] or one["new_at"]),
            _some(one["sources"]),
        )
        for one in budgets
    ]


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _labels(labels: dict[str, int]) -> str:
    return ", ".join(f"{count} {label}" for label, count in sorted(labels.items()))


def _rows(sources: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (one["name"], one["kind"], _status(one), str(one["mentions"]), moment(one["last_ok"]), one["last_error"])
        for one in sources
    ]


def _status(source: dict[str, Any]) -> str:
    return f"{source['status']}, silent" if source["silent_since"] else str(source["status"])


def _looks(channels: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    from responders.channel_codes import seen

    return [
        (
            one["name"],
            one["kind"],
            one["health"].upper() if one["health"] == "broken" else one["health"],
            moment(one["since"]) if one["since"] else "",
            moment(one["checked_at"]),
            seen(one["code"], one["detail"]),
        )
        for one in channels
    ]
