"""config.toml as it ships: it works as it is, and shows every option there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from monitor.channel_options import ChannelOptions
from monitor.options import Config, MailOptions, PersonOptions, RoutingRule, SlackOptions, SourceOptions
from monitor.settings import connector_kinds, read
from tests.terminal import ROOT, answer

SHIPPED = ROOT / "config.toml"
SECTIONS = [name for name, field in Config.model_fields.items() if isinstance(field.get_default(), BaseModel)]
OPTIONAL = {
    "people": PersonOptions,
    "routing": RoutingRule,
    "slack": SlackOptions,
    "mail": MailOptions,
    "channels": ChannelOptions,
}
SWITCHED_OFF = re.compile(r"^# (\[{1,2}[\w.-]+\]{1,2}|[a-z_]+ = .*)$", re.MULTILINE)
# the line shows an example, for there is no default to show
OFF_BY_DEFAULT = {
    "order_number",
    "playbooks",
    "metrics_token",
    "url",
    "model",
    "revision",
    "labels",
    "hypotheses",
    "facts",
    "aspects",
    "roles",
    "llm",
}
ENVIRON = {
    "HEUREKA_KEY": "0" * 32,
    "HELPDESK_SECRET": "0" * 64,
    "OHLAS_METRICS_TOKEN": "0" * 32,
    "LLM_API_KEY": "0" * 32,
    "APPSTORE_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----",
    **dict.fromkeys(("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_REFRESH_TOKEN"), "0" * 12),
    "GOOGLE_SERVICE_ACCOUNT": '{"client_email": "ohlas@shop.example", "private_key": "000000000000"}',
    "X_ACCESS_TOKEN": "700-000000000000",
    **dict.fromkeys(("YOUTUBE_KEY", "YOUTUBE_CLIENT_ID", "YOUTUBE_CLIENT_SECRET", "YOUTUBE_REFRESH_TOKEN"), "0" * 12),
    **dict.fromkeys(("FACEBOOK_TOKEN", "FACEBOOK_APP_SECRET", "FACEBOOK_VERIFY_TOKEN"), "0" * 12),
    "TELEGRAM_TOKEN": f"123456789:{'0' * 35}",
    **dict.fromkeys(("STACKEXCHANGE_KEY", "MASTODON_TOKEN", "BLUESKY_PASSWORD", "DISCOURSE_KEY"), "0" * 12),
    **dict.fromkeys(("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "REDDIT_PASSWORD"), "0" * 12),
    "SKLIK_KEY": "0" * 12,
    **dict.fromkeys(("TRUSTPILOT_KEY", "TRUSTPILOT_SECRET", "TRUSTPILOT_WEBHOOK_SECRET"), "0" * 16),
    **dict.fromkeys(("SHOPTET_TOKEN", "SHOPTET_WEBHOOK_KEY"), "0" * 12),
    **dict.fromkeys(("X_CONSUMER_KEY", "X_CONSUMER_SECRET", "X_ACCESS_TOKEN_SECRET"), "0" * 12),
    "MAILBOX_PASSWORD": "0" * 12,
    **dict.fromkeys(
        ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SMTP_PASSWORD", "IMAP_PASSWORD"), "0" * 12
    ),
}


def everything() -> str:
    """config.toml with every option switched on."""
    return SWITCHED_OFF.sub(r"\1", SHIPPED.read_text("utf-8"))


def default(model: type[BaseModel], name: str) -> Any:
    return model.model_fields[name].get_default(call_default_factory=True)


def test_it_can_be_used_as_it_is() -> None:
    loaded = read(SHIPPED, {})
    assert loaded.warnings == ()
    assert [options.kind for options in loaded.config.sources.values()] == ["file", "heureka", "rss"]


def test_all_that_is_switched_off_can_be_switched_on(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(everything(), encoding="utf-8")
    config = read(path, ENVIRON).config
    assert {options.kind for options in config.sources.values()} == set(connector_kinds())


@pytest.mark.parametrize("section", SECTIONS)
def test_every_option_is_there_or_shown_with_its_default(section: str) -> None:
    written = tomllib.loads(SHIPPED.read_text("utf-8")).get(section, {})
    shown = tomllib.loads(everything())[section]
    model = type(default(Config, section))
    assert set(shown) == set(model.model_fields), f"[{section}] of config.toml lacks an option, or has one too many"
    for name in shown.keys() - written.keys() - OFF_BY_DEFAULT:
        assert model.model_validate({name: shown[name]}) == model(), f"{section}.{name} is not shown with its default"


@pytest.mark.parametrize("section", OPTIONAL)
def test_every_option_of_what_may_be_left_out_is_shown(section: str) -> None:
    shown = tomllib.loads(everything())[section]
    table = {"people": lambda: next(iter(shown.values())), "routing": lambda: shown[0]}.get(section, lambda: shown)()
    assert set(table) == set(OPTIONAL[section].model_fields)


def test_what_every_source_understands_is_shown() -> None:
    written = set(re.findall(r"^#? ?([a-z_]+) = ", SHIPPED.read_text("utf-8"), re.MULTILINE))
    assert set(SourceOptions.model_fields) - {"name", "base"} <= written


def test_check_has_nothing_against_it() -> None:
    checked = answer("check", "--json", config=SHIPPED)
    assert (checked["ok"], checked["problems"], checked["warnings"]) == (True, [], [])
    assert sum(source["mentions"] for source in checked["sources"]) >= 40
    assert [source["problem"] for source in checked["sources"]] == ["", "", ""]
