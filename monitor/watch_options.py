"""`[watch]`: what names the company, for sources that bring more than what concerns it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from monitor.section import Options

WatchedPhrase = Annotated[str, Field(pattern=r"\w", max_length=100, description="words as they are written")]
WatchedPattern = Annotated[str, Field(min_length=1, max_length=300, description="a regular expression")]
WatchedPhrases = Annotated[tuple[WatchedPhrase, ...], Field(max_length=1000)]


class WatchOptions(Options):
    """Counts for sources with `watch = true`, or with terms of their own."""

    terms: WatchedPhrases = Field(
        default=(), description="your names as people write them, found in every case form; '\"Sme\"' finds only itself"
    )
    exclude: WatchedPhrases = Field(
        default=(), description="what is not meant: a name that holds one of yours, or words of another matter"
    )
    patterns: tuple[WatchedPattern, ...] = Field(
        default=(), max_length=50, description="regular expressions in RE2's syntax, beside the terms"
    )
    languages: tuple[Literal["sk", "cs", "hu", "en"], ...] = Field(
        default=("sk", "cs", "hu", "en"), min_length=1, description="languages whose endings a name may have"
    )
