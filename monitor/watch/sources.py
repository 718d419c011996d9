"""Which mentions concern the company, by source: those that hold what is watched there.

What compiles and finds terms is imported where there are any, which most installations do without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from monitor.mistakes import Mistake, Place
from monitor.model import Mention, Reason, Verdict
from monitor.options import Config, SourceOptions
from monitor.watch_options import WatchOptions

if TYPE_CHECKING:
    from monitor.watch.terms import Terms


class Watching:
    """Compiles the terms of a source when it is first asked about it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._terms: dict[str, Terms | None] = {}

    def not_ours(self, mention: Mention) -> Reason | None:
        """Why it does not concern the company; None where it does, and on sources that are not watched."""
        terms = self.terms(mention.source)
        if terms is None:
            return None
        from monitor.watch.telling import not_ours

        return not_ours(mention, terms)

    def told(self, mention: Mention, verdict: Verdict) -> Verdict:
        """With what the mention was taken for among the reasons, for a person to see."""
        terms = self.terms(mention.source)
        if terms is None:
            return verdict
        from monitor.watch.telling import named

        reason = named(mention, terms)
        return replace(verdict, reasons=(*verdict.reasons, reason)) if reason else verdict

    def terms(self, source: str) -> Terms | None:
        if source not in self._terms:
            self._terms[source] = terms_of(self._config, source)
        return self._terms[source]


def terms_of(config: Config, source: str) -> Terms | None:
    """None where all that the source brings is looked at. A source's own words stand in for those of [watch]."""
    options = config.sources.get(source)
    if options is None or not (options.watch or options.terms):
        return None
    from monitor.watch.terms import Terms

    return Terms(
        options.terms or config.watch.terms,
        exclude=options.exclude or config.watch.exclude,
        patterns=() if options.terms else config.watch.patterns,
        languages=config.watch.languages,
    )


def all_terms(config: Config) -> Terms:
    """Those of [watch]."""
    from monitor.watch.terms import Terms

    watch = config.watch
    return Terms(watch.terms, exclude=watch.exclude, patterns=watch.patterns, languages=watch.languages)


def mistakes(config: Config) -> Iterator[Mistake]:
    watch = config.watch
    yield from _of_words(watch, ("watch",))
    yield from _undone(watch.terms, watch.exclude, ("watch",))
    for number, pattern in enumerate(watch.patterns):
        if wrong := _wrong_pattern(pattern):
            yield Mistake(("watch", "patterns", number), wrong)
    for name, options in config.sources.items():
        yield from _of_words(options, ("sources", name))
        yield from _undone(options.terms or watch.terms, options.exclude, ("sources", name))
        yield from _of_source(options, ("sources", name), names_us=bool(watch.terms or watch.patterns))


def _of_words(options: WatchOptions | SourceOptions, path: Place) -> Iterator[Mistake]:
    for key, words in (("terms", options.terms), ("exclude", options.exclude)):
        for number, word in enumerate(words):
            if wrong := _wrong_word(word):
                yield Mistake((*path, key, number), wrong)


def _undone(terms: Sequence[str], exclude: Sequence[str], path: Place) -> Iterator[Mistake]:
    named = {term.casefold() for term in terms}
    for number, word in enumerate(exclude):
        if word.casefold() in named:
            yield Mistake((*path, "exclude", number), "is one of the terms, which would never be found; delete either")


def _wrong_pattern(pattern: str) -> str:
    from monitor.watch.patterns import Pattern

    return _problem(partial(Pattern, pattern))


def _wrong_word(word: str) -> str:
    from monitor.watch.literal import literal
    from monitor.watch.terms import is_exact

    return "" if is_exact(word) else _problem(partial(list, literal(word, ())))


def _problem(make: Callable[[], object]) -> str:
    """What is wrong with what cannot be made; "" where it can."""
    try:
        make()
    except ValueError as error:
        return str(error)
    return ""


def _of_source(options: SourceOptions, path: Place, *, names_us: bool) -> Iterator[Mistake]:
    if options.watch and not (options.terms or names_us):
        yield Mistake((*path, "watch"), "there is nothing to watch for; set watch.terms, or terms of this source")
    if options.exclude and not (options.terms or options.watch):
        yield Mistake((*path, "exclude"), "is of no use without watch = true, or terms of this source")
