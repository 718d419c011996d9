"""Which learned head is in force: files in state/learned, and a list that says which of them.

The list is replaced in one step after the head's own file is safely on the disk, so that whoever looks finds the old
head or the new one. A running service sees that the list was replaced, and follows.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.errors import ModelUnusable, OhlasError
from monitor.model import LABELS, Reason, Utterance, Verdict

if TYPE_CHECKING:
    from monitor.classify.adjusting import Floats, Learns
    from monitor.classify.head import Head

log = logging.getLogger(__name__)

LIST = "heads.json"
MOST_KEPT = 10  # heads; older ones are deleted


@dataclass(frozen=True, slots=True)
class Shelf:
    """The folder of learned heads. The list holds their names, the one in force last; none: nothing is in force."""

    folder: Path

    def names(self) -> list[str]:
        """Raises ModelUnusable where the list is damaged."""
        try:
            listed = json.loads((self.folder / LIST).read_bytes())["heads"]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnusable(_damaged(self.folder / LIST)) from error
        if not isinstance(listed, list) or not all(isinstance(name, str) and _is_plain(name) for name in listed):
            raise ModelUnusable(_damaged(self.folder / LIST))
        return listed

    def in_force(self) -> Head | None:
        """Raises ModelUnusable where it cannot be read."""
        from monitor.classify.head import Head

        names = self.names()
        return Head.load(self.folder / f"{names[-1]}.npz") if names else None

    def stamp(self) -> tuple[int, int]:
        """Differs after every change of the list."""
        try:
            found = (self.folder / LIST).stat()
        except OSError:
            return (0, 0)
        return (found.st_mtime_ns, found.st_ino)

    def put(self, head: Head) -> str:
        """Make a head the one in force, and keep those before it. Returns its name."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        before = self._names_or_none()
        name = _free_name(f"head-{head.name}", set(before))
        _written_whole(self.folder / f"{name}.npz", head.save)
        self._write([*before, name][-MOST_KEPT:])
        for old in before[: max(0, len(before) + 1 - MOST_KEPT)]:
            (self.folder / f"{old}.npz").unlink(missing_ok=True)
        return name

    def back(self) -> str:
        """Put the head before the present one in force; returns its name, "" for none. Raises OhlasError."""
        names = self.names()
        if not names:
            raise OhlasError("nothing that was learned is in force; there is nothing to go back from")
        self._write(names[:-1])
        return names[-2] if len(names) > 1 else ""

    def _names_or_none(self) -> list[str]:
        try:
            return self.names()
        except ModelUnusable as error:
            log.warning("%s; it is written anew", error)
            return []

    def _write(self, names: Sequence[str]) -> None:
        text = json.dumps({"heads": list(names)}).encode()
        _written_whole(self.folder / LIST, lambda path: path.write_bytes(text))


def _damaged(path: Path) -> str:
    return f"{path} is damaged; delete it, then `ohlas learn` writes it anew"


def _is_plain(name: str) -> bool:
    """A name of a file in the folder, and of nothing elsewhere."""
    return name.isascii() and bool(name) and all(part.isalnum() for part in name.split("-"))


def _free_name(wanted: str, taken: set[str]) -> str:
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def _written_whole(path: Path, write: Callable[[Path], object]) -> None:
    """The file is there in full, also after a power cut, or it is as it was."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        for place in (part, None, path.parent):
            if place is None:
                part.replace(path)
                continue
            handle = os.open(place, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A head at work; see Adjust in monitor/classify/adjusting.py."""

    head: Head

    @property
    def name(self) -> str:
        return self.head.name

    def __call__(self, chances: Floats, seen: Floats) -> Floats:
        return self.head.adjusted(chances, seen)

    def reasons(self, utterance: Utterance, chances: Floats, verdict: Verdict) -> list[Reason]:
        """The detail holds how likely the label is without the corrections, and with them."""
        column = LABELS.index(verdict.label)
        if int(chances[0].argmax()) == column:
            return []
        return [Reason(code="learned", detail=f"{float(chances[0, column]):.0%} → {verdict.confidence:.0%}")]


@dataclass
class Follower:
    """Gives a classifier the head in force, and again when another one is. A head that cannot be used is told once."""

    shelf: Shelf
    trouble: str = ""
    _stamps: dict[int, tuple[int, int]] = field(default_factory=dict)

    def follow(self, classifier: Learns) -> None:
        """Cheap where nothing changed: one look at one file's date."""
        stamp = self.shelf.stamp()
        if self._stamps.get(id(classifier), (0, 0)) == stamp:
            return
        self._stamps[id(classifier)] = stamp
        self.trouble = ""
        plain, _, _ = classifier.name.partition("+")
        try:
            found = adjustment(self.shelf, classifier)
        except ModelUnusable as error:
            found = None
            self.trouble = f"{error}; the model judges without it"
            log.warning("%s", self.trouble)
        classifier.learned, classifier.name = found, f"{plain}+{found.name}" if found else plain


def adjustment(shelf: Shelf, classifier: Learns) -> Adjustment | None:
    """Raises ModelUnusable where the head in force cannot be read, or was learned for another model."""
    head = shelf.in_force()
    if head is None:
        return None
    if head.base != classifier.base:
        raise ModelUnusable(
            f"what was learned on {head.made_at[:10]} fits the model {head.base}, and {classifier.base} judges now; "
            "let it learn again: `ohlas learn`"
        )
    if not head.fits(classifier):
        raise ModelUnusable(
            f"what was learned on {head.made_at[:10]} fits {head.base} as it was used then, and now its labels, its "
            "weights' file or what is read of it are others; let it learn again: `ohlas learn`"
        )
    return Adjustment(head)
