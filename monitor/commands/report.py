"""`ohlas report`"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from monitor.commands.opening import Setup, now, pass_setup, reading
from monitor.commands.terminal import as_json, echo_json, table
from monitor.errors import OhlasError

if TYPE_CHECKING:
    from monitor.options import Config
    from monitor.reports import By, Line, Report
    from monitor.store.follow_ups import Aftermath
    from monitor.unheard import Unheard

BYS = ("week", "source", "language", "aspect", "person")
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=DAY, default=None, help="The first day. [default: a Monday eight weeks ago]")
@click.option("--to", "last", type=DAY, default=None, help="The last day. [default: today]")
@click.option("--by", type=click.Choice(BYS), default="week", show_default=True, help="What is counted together.")
@click.option("--json", "form", flag_value="json", help="For programs.")
@click.option("--csv", "form", flag_value="csv", help="For spreadsheets.")
@click.option("--excel", is_flag=True, help="CSV as Excel around here wants it: a BOM, ';', decimal commas.")
@click.option("--html", "form", flag_value="html", help="A page with charts, in the page's language.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="A file for it.")
@pass_setup
def command(
    setup: Setup,
    first: datetime | None,
    last: datetime | None,
    by: str,
    form: str | None,
    excel: bool,
    out: Path | None,
) -> None:
    """Count what people wrote and how they were answered, by week, source, language, aspect or person.

    Days are those of page.timezone. A mention may be about several things, so by aspect there are no answers; by
    person there are only answers. Erased mentions are counted as before.

    \b
    Examples:
      ohlas report
      ohlas report --by source --from 2026-10-01 --to 2026-12-31 --csv --out quarter.csv
      ohlas report --excel --out weeks.csv
      ohlas report --by person --html --out team.html
    """
    from monitor.reports import report

    if excel and form not in (None, "csv"):
        raise click.UsageError("--excel is for --csv")
    form = "excel" if excel else form
    config = setup.config()
    zone, days = _days(config, first, last)
    with reading(config) as store:
        try:
            found = report(store, cast("By", by), *days, zone)
        except ValueError as error:
            raise OhlasError(str(error)) from error
    if form is None and out is None:
        click.echo("\n".join(_table(found)))
    elif form == "json" and out is None:
        echo_json(shape(found))
    else:
        _write(_document(found, form or "json", config), out)


def _days(config: Config, first: datetime | None, last: datetime | None) -> tuple[Any, tuple[date, date]]:
    from zoneinfo import ZoneInfo

    from monitor.reports import usual_days

    zone = ZoneInfo(config.page.timezone)
    monday, today = usual_days(now(), zone)
    return zone, (
        first.date() if first else min(monday, last.date()) if last else monday,
        last.date() if last else today,
    )


def _document(found: Report, form: str, config: Config) -> bytes:
    if form in ("csv", "excel"):
        return as_csv(found, excel=form == "excel")
    if form == "html":
        from responders.page.reports import as_file

        return as_file(found, config).encode()
    return as_json(shape(found)) + b"\n"


def _write(document: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(document, nl=False)
        return
    try:
        out.write_bytes(document)
    except OSError as error:
        raise OhlasError(f"{out} cannot be written: {error.strerror}") from error


def shape(found: Report) -> dict[str, Any]:
    """What `--json` gives: may gain keys, and never loses one."""
    from monitor.reports import cells

    return {
        "by": found.by,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "rows": [{found.by: line.key, **cells(line)} for line in found.lines],
        "total": cells(found.total),
        "drafts": {
            "as_is": found.accepted.as_is,
            "edited": found.accepted.edited,
            "rejected": found.accepted.rejected,
        },
        "complaints": {"written": found.replied.complaints, "answered": found.replied.answered},
        "afterwards": _afterwards(found.aftermath),
        "estimate": _estimate(found.unheard),
    }


def _afterwards(found: Aftermath) -> dict[str, Any]:
    """Shares are None where there are too few votes, or answered reviews with stars, to say anything."""
    return {
        **{
            name: getattr(found, name)
            for name in ("answered", "wrote", "complained", "rated", "raised", "better", "worse")
        },
        **{name: getattr(found, name) for name in ("good", "neutral", "bad")},
        "satisfaction": found.share,
        "changed_stars": found.raised_share,
    }


def _estimate(found: Unheard | None) -> dict[str, Any] | None:
    """Of customers who were unhappy and did not write; None where there is nothing to estimate it from."""
    from monitor.unheard import SHARE, SOURCE

    if found is None:
        return None
    said = {"about": found.about, "least": found.least, "most": found.most}
    return {"unheard": said, "share_that_complains": SHARE, "source": SOURCE}


def as_csv(found: Report, *, excel: bool = False) -> bytes:
    """With a heading; the last row is the sum. No cell is a formula, whatever a source or a person is called."""
    from monitor.reports import COLUMNS, cells
    from monitor.sheets import BOM, cell

    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if excel else ",")
    writer.writerow((found.by, *COLUMNS))
    for name, line in (*((line.key, line) for line in found.lines), ("total", found.total)):
        writer.writerow(cell(value, excel) for value in (name, *cells(line).values()))
    return (BOM if excel else b"") + text.getvalue().encode()


def _table(found: Report) -> Iterator[str]:
    yield f"{found.first:%d.%m.%Y} to {found.last:%d.%m.%Y}"
    heads = (found.by, "mentions", "complaint", "praise", "neutral", "answered", "in time", "late", "median")
    rows = [_row(line.key or "-", line) for line in found.lines]
    yield from table(heads, [*rows, _row("total", found.total)])
    if found.accepted.total:
        taken, total = found.accepted.as_is, found.accepted.total
        yield f"{total} drafts were decided about; {taken} were taken as they were"
    yield from _said_of_answers(found)
    yield from _content(found)
    if found.unheard is not None:
        from monitor.unheard import SHARE, SOURCE

        guess = found.unheard
        yield (
            f"estimate, not counted: about {guess.about} more were unhappy and did not write ({guess.least} to"
            f" {guess.most}); in surveys {SHARE:.0%} of the unhappy complained ({SOURCE})"
        )


def _said_of_answers(found: Report) -> Iterator[str]:
    replied, after = found.replied, found.aftermath
    if replied.share is not None:
        yield f"{replied.answered} of {replied.complaints} complaints are answered ({replied.share:.0%})"
    if after.rated:
        yield f"{after.raised} of {after.rated} answered reviews have more stars now{_bracketed(after.raised_share)}"
    if after.votes:
        yield f"{after.votes} customers said how it was handled; {after.good} well{_bracketed(after.share)}"


def _bracketed(share: float | None) -> str:
    return "" if share is None else f" ({share:.0%})"


def _content(found: Report) -> Iterator[str]:
    """How content customers are with whom; nothing where nobody voted and no review with stars was answered."""
    from monitor.store.follow_ups import LEAST

    if not found.satisfied:
        return
    heads = (found.by, "votes", "well", "so-so", "badly", "content", "answered reviews", "more stars now", "share")
    yield ""
    yield from table(
        heads, [*(_content_row(line.key or "-", line) for line in found.satisfied), _content_row("total", found.total)]
    )
    yield f"Shares are told from {LEAST} on; of fewer they say nothing."


def _content_row(name: str, line: Line) -> tuple[str, ...]:
    found = line.satisfaction
    if found is None:
        return (name,)
    share, raised = ("" if one is None else f"{one:.0%}" for one in (found.share, found.raised_share))
    votes = (found.votes, found.good, found.neutral, found.bad)
    return (name, *map(str, votes), share, str(found.rated), str(found.raised), raised)


def _row(name: str, line: Line) -> tuple[str, ...]:
    from monitor.reports import cells

    values = cells(line)
    median = values["median_hours"]
    counts = ("mentions", "complaint", "praise", "neutral", "answered", "in_time", "late")
    return (name, *(str(values[column]) for column in counts), "" if median is None else f"{median:g} h")
