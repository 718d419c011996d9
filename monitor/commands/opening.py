"""What commands open: the configuration, the store, the desk. Each is imported by those that need it only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.errors import ModelUnusable, StoreError

if TYPE_CHECKING:
    from monitor.classify.choosing import Model
    from monitor.options import Config
    from monitor.settings import Loaded
    from monitor.store.sqlite import SqliteStore


@dataclass
class Setup:
    """What every command is given. `explicit`: a person named the file, so it has to be there."""

    path: Path
    explicit: bool
    secrets: frozenset[str] = frozenset()

    def read(self) -> Loaded:
        """config.toml; from here on its secrets are kept out of errors and log lines. Raises ConfigError."""
        from monitor import logs
        from monitor.settings import read, secrets_of

        loaded = read(self.path)
        self.secrets = secrets_of(loaded.config)
        logs.configure("text", "warning", self.secrets)
        return loaded

    def config(self) -> Config:
        return self.read().config

    def config_or_defaults(self) -> Config:
        """For commands that are of use without any config.toml."""
        from monitor.options import Config

        return self.config() if self.explicit or self.path.exists() else Config()

    def masked(self, text: str) -> str:
        from monitor.logs import mask, mask_queries

        return mask_queries(mask(text, self.secrets))


pass_setup = click.make_pass_decorator(Setup)


def now() -> datetime:
    return datetime.now(UTC)


def database(config: Config) -> Path:
    return config.service.state / "ohlas.db"


@contextmanager
def reading(config: Config) -> Iterator[SqliteStore]:
    """The store; where nothing was ever saved, an empty one, so that looking leaves no trace."""
    path = database(config)
    with _opened(path if path.exists() else Path(":memory:")) as store:
        yield store


@contextmanager
def writing(config: Config) -> Iterator[SqliteStore]:
    with _opened(database(config)) as store:
        yield store


@contextmanager
def _opened(path: Path) -> Iterator[SqliteStore]:
    from monitor.store.sqlite import SqliteStore

    try:
        store = SqliteStore(path)
    except OSError as error:
        raise StoreError(f"{path.parent} cannot be used ({error.strerror}); check who may write there") from error
    try:
        yield store
    finally:
        store.close()


def classifier(config: Config) -> Model:
    """The configured model with what it learned, or with a line on standard error the embedded one where that cannot
    be used."""
    from monitor.classify.choosing import embedded, load, shelf
    from monitor.classify.learned import Follower

    try:
        model = load(config)
        Follower(shelf(config)).follow(model)
        return model
    except ModelUnusable as error:
        if not config.classifier.model:
            raise
        click.echo(f"ohlas: {error}; the embedded one stands in", err=True)
        return embedded(config)
