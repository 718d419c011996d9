"""`ohlas check` tries Slack and the mail servers, tells what to mend, and tells nobody a secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mail_servers import ANNA, OHLAS, PASSWORDS, MailServers
from tests.scripted_smtp import ScriptedSmtp
from tests.slack_platform import APP_TOKEN, BOT_TOKEN, Slack
from tests.terminal import CONFIG, process, shop

SLACK = """
[slack]
bot_token = "$SLACK_BOT_TOKEN"
app_token = "$SLACK_APP_TOKEN"
channel = "C0DRAFTS"
api = "{api}"
"""


def mail(servers: MailServers, **options: str) -> str:
    return f'[people.anna]\nmail = "{ANNA}"\n' + servers.options(**options)


async def test_mail_servers_that_take_us(tmp_path: Path, mail_servers: MailServers) -> None:
    password = PASSWORDS[OHLAS]
    shop(tmp_path, CONFIG.replace("[page]", '[page]\nurl = "https://ohlas.example"') + mail(mail_servers))
    code, out, err = await process(tmp_path, "check", SMTP_PASSWORD=password)
    assert code == 0, out + err
    assert "starttls, as ohlas@example.test" in out and "ok, INBOX of ohlas@example.test" in out
    assert "never decides" in out and "mail.authserv_id: without it a reply decides nothing" in out
    code, out, err = await process(tmp_path, "check", "--json", SMTP_PASSWORD=password)
    checked = json.loads(out)
    assert [medium["name"] for medium in checked["media"]] == ["Mail out", "Mail in"] and checked["ok"]
    assert password not in out + err
    assert mail_servers.mails(ANNA, 0) == mail_servers.mails(OHLAS, 0) == []


async def test_imap_with_starttls(tmp_path: Path, mail_servers: MailServers) -> None:
    shop(tmp_path, CONFIG + mail(mail_servers, imap_security="starttls"))
    code, out, _ = await process(tmp_path, "check", SMTP_PASSWORD=PASSWORDS[OHLAS])
    assert code == 0 and "ok, INBOX" in out and "page.url: links in mails lead to the page" in out


async def test_what_mail_servers_have_against_us(tmp_path: Path, mail_servers: MailServers) -> None:
    shop(tmp_path, CONFIG + mail(mail_servers))
    code, out, err = await process(tmp_path, "check", SMTP_PASSWORD="wrong-secret")
    assert code == 1 and "cannot be used: Mail out, Mail in" in err
    assert "refuses mail.user and mail.password: 535" in out and "refuses imap_user or imap_password" in out
    assert "wrong-secret" not in out + err
    shop(tmp_path, CONFIG + mail(mail_servers, ca=str(mail_servers.strange_ca)))
    code, out, _ = await process(tmp_path, "check", SMTP_PASSWORD=PASSWORDS[OHLAS])
    assert code == 1 and out.count("CANNOT BE USED") == 2 and "is not trusted" in out
    shop(tmp_path, CONFIG + mail(mail_servers, folder="Elsewhere"))
    code, out, _ = await process(tmp_path, "check", SMTP_PASSWORD=PASSWORDS[OHLAS])
    assert code == 1 and "there is no folder Elsewhere" in out and out.count("CANNOT BE USED") == 1
    code, out, _ = await process(tmp_path, "check", "--offline", SMTP_PASSWORD="wrong-secret")
    assert code == 0 and "CANNOT" not in out


async def test_a_mail_server_that_says_nothing(tmp_path: Path) -> None:
    async with ScriptedSmtp() as smtp:
        smtp.hold("CONNECT")
        text = f'[mail]\nsender = "{OHLAS}"\nhost = "127.0.0.1"\nport = {smtp.port}\nsecurity = "none"\n'
        shop(tmp_path, CONFIG + text)
        code, out, _ = await process(tmp_path, "check", "--timeout", "2")
    assert code == 1 and "no answer within 2 s" in out and "nobody has an address" in out


@pytest.mark.parametrize(
    ("scopes", "bot", "app", "said"),
    [
        ("chat:write,channels:history,groups:history", BOT_TOKEN, APP_TOKEN, "ok, by Socket Mode"),
        ("chat:write", BOT_TOKEN, APP_TOKEN, "lacks the scopes channels:history, groups:history: add them"),
        ("", "xoxb-another-token", APP_TOKEN, "slack.bot_token: Slack refuses the token"),
        (
            "chat:write,channels:history,groups:history",
            BOT_TOKEN,
            "xapp-another-token",
            "slack.app_token (it needs the scope connections:write)",
        ),
    ],
)
async def test_slack(tmp_path: Path, scopes: str, bot: str, app: str, said: str) -> None:
    async with Slack() as slack:
        slack.scopes = scopes
        shop(tmp_path, CONFIG + SLACK.format(api=slack.api))
        code, out, err = await process(tmp_path, "check", SLACK_BOT_TOKEN=bot, SLACK_APP_TOKEN=app)
        assert said in out and code == (0 if said.startswith("ok") else 1), out + err
        assert bot not in out + err and app not in out + err
        assert slack.posted == [] and slack.sockets == []
