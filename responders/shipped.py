"""In which languages playbooks come with Ohlas. Apart from responders/playbook.py, so that asking costs nothing."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources


@cache
def shipped_languages() -> tuple[str, ...]:
    names = (entry.name for entry in resources.files("responders.playbooks").iterdir())
    return tuple(sorted(name[:2] for name in names if re.fullmatch(r"[a-z]{2}\.toml", name)))
