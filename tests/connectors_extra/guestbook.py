"""A connector that only the tests know: it reads a made-up guest book and never finds anything in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from monitor.contract import Page
from monitor.options import Options, SourceOptions


class Columns(Options):
    text: str = "text"
    author: str = "author"


class Settings(SourceOptions):
    url: str = Field(pattern=r"^https?://", description="address of the guest book")
    token: SecretStr | None = Field(default=None, description="what the guest book asks for")
    limit: int = Field(default=50, ge=1, le=100, description="entries on one page")
    cents: float = Field(default=0.5, gt=0)
    strict: bool = False
    folder: Path = Path("books")
    words: tuple[Annotated[str, Field(min_length=2)], ...] = ()
    columns: Columns = Columns()
    backup_keys: dict[str, SecretStr] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_both(self) -> Settings:
        if self.token is not None and self.token.get_secret_value().startswith("old-"):
            raise ValueError(f"token {self.token.get_secret_value()} is of the old kind; make a new one")
        return self


class Guestbook:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def poll(self, cursor: str) -> Page:
        return Page(cursor=cursor)

    async def close(self) -> None:
        return None


def connect(settings: Settings, session: object) -> Guestbook:
    return Guestbook(settings)
