"""The number of a draft on the command line."""

from __future__ import annotations

from typing import Any

import click


class DraftNumber(click.ParamType[int]):
    name = "draft"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).removeprefix("#")
        if text.isascii() and text.isdigit() and len(text) < 16:
            return int(text)
        if text.upper().startswith("OH-"):
            self.fail("that is the customer's reference; the draft's number is in the first column of `ohlas inbox`")
        self.fail(f"{value!r} is no number; the draft's number is in the first column of `ohlas inbox`")


DRAFT = DraftNumber()
