"""What a language model is asked, what it answers, and why it did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from monitor.errors import OhlasError


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """`system` is ours alone, `user` holds the fenced words of strangers. `schema` is the JSON Schema of the answer.

    `rules` is that part of `system` which no answer may repeat; `fence` is new for every prompt.
    """

    system: str
    user: str
    schema: dict[str, Any]
    rules: str
    fence: str

    @property
    def size(self) -> int:
        """In bytes of UTF-8."""
        return len(self.system.encode()) + len(self.user.encode())


@dataclass(frozen=True, slots=True)
class Tokens:
    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What came back, unjudged, and what it took."""

    content: str
    tokens: Tokens


class NotWritten(OhlasError):
    """The playbook's text stands. `code` is one of MODEL_NOTES (responders/codes.py), with a detail after a colon.

    `retry_after` are seconds in which the model is not to be asked at all, None where that does not matter. `tokens`
    are those that were spent for nothing, None where nobody knows: then all that was set aside is counted.
    """

    def __init__(self, code: str, *, retry_after: float | None = None, tokens: Tokens | None = Tokens()) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after
        self.tokens = tokens


class LanguageModel(Protocol):
    name: str  # as the draft's author has it, after "llm:"

    async def write(self, prompt: Prompt) -> Written:
        """One answer. Raises NotWritten, and nothing else."""
        ...

    async def close(self) -> None: ...
