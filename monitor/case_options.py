"""Options of `[cases]`: what makes mentions one customer's matter."""

from __future__ import annotations

from typing import Annotated, Literal

import regex
from pydantic import AfterValidator, Field

from monitor.section import Options

JoinBy = Literal["order", "account", "thread", "text"]


def _usable(pattern: str) -> str:
    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"this is no regular expression: {error}") from error
    if pattern and compiled.fullmatch(""):
        raise ValueError("this fits texts without any number; write the form of a whole number, e.g. 'SV-\\d{6}'")
    return pattern


class CaseOptions(Options):
    """One customer who writes in several places gets one answer."""

    join_by: tuple[JoinBy, ...] = Field(
        default=("order", "account", "thread", "text"),
        description="what makes mentions one matter: the same order number, account or e-mail address, "
        "the same name in one conversation, (nearly) the same text",
    )
    join_days: float = Field(default=30.0, gt=0.0, le=3650.0, description="days that may lie between such mentions")
    order_number: Annotated[str, AfterValidator(_usable)] = Field(
        default="",
        max_length=200,
        description="the form of your order numbers as a regular expression, e.g. 'SV-\\d{6}'; "
        "empty: found by the words before them",
    )
