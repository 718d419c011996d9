"""Copies of the database that were made before its tables changed. They hold everybody who stood in it then."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.store.engine import Engine

_NAME = re.compile(r"ohlas-(\d{8}T\d{6})\d*-.*\.db")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    path: Path
    at: datetime
    size: int  # bytes


class Backups:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[Backup]:
        """Newest first; files with other names are nobody's business."""
        found = [backup for path in self._engine.backups.glob("ohlas-*.db") if (backup := _backup(path))]
        return sorted(found, key=lambda one: (one.at, one.path.name), reverse=True)

    def make(self, why: str) -> Path:
        return self._engine.backup(why)

    def remove(self, backups: Iterable[Backup]) -> int:
        """Delete them, with what SQLite may have put beside them; returns how many there were."""
        removed = 0
        for backup in backups:
            for suffix in ("", "-wal", "-shm", "-journal"):
                with suppress(FileNotFoundError):
                    backup.path.with_name(f"{backup.path.name}{suffix}").unlink()
            removed += 1
        return removed


def outlived(backups: Iterable[Backup], keep: int, before: datetime | None) -> list[Backup]:
    """Those beyond the newest `keep` (0: any number is kept), and those made before then. Pure."""
    return [
        one for place, one in enumerate(backups) if (keep and place >= keep) or (before is not None and one.at < before)
    ]


def holding(backups: Iterable[Backup], since: datetime) -> list[Backup]:
    """Those made after a person's first mention had come. Pure."""
    return [one for one in backups if one.at >= since.replace(microsecond=0)]


def _backup(path: Path) -> Backup | None:
    named = _NAME.fullmatch(path.name)
    if named is None:
        return None
    at = datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return Backup(path=path, at=at, size=path.stat().st_size)
