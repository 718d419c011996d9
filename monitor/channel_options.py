"""`[channels]`: the places where customers reach the company by themselves, which are looked at once a day."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.section import Options, Security


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")) or " " in value or "." not in value:
        raise ValueError("write the whole address, e.g. 'https://svrcina.example/kontakt'")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]


class PageCheck(Options):
    """A page of the company that has to be there."""

    url: WebAddress = Field(description="its address")
    text: str = Field(
        default="",
        description="words that stand on it, e.g. a phone number; "
        "empty: it is compared with an address that surely does not exist",
    )


class FormCheck(Options):
    """The page with the contact form. Nothing is ever submitted."""

    url: WebAddress = Field(description="address of the page with the form")
    fields: tuple[str, ...] = Field(
        default=(), description="names of fields that the form must have, e.g. ['email', 'message']"
    )


class MailboxCheck(Options):
    """The address that customers write to. Its server is asked whether it takes mail; with `send` a mail goes there."""

    address: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="the address that customers write to")
    ask: Literal["auto", "mail", "mx"] = Field(
        default="auto",
        description="who is asked: the server of [mail], the one that the domain names for its mail (mx), "
        "or auto: [mail] where it writes from the same domain",
    )
    send: bool = Field(
        default=False, description="send a small mail there through [mail], look for it by IMAP, and delete it"
    )
    imap_host: str = Field(default="", description="IMAP server of that mailbox; empty: that of [mail]")
    imap_port: int = Field(default=993, ge=1, le=65535, description="IMAP port")
    imap_security: Security = Field(default="tls", description="tls (993), starttls (143), or none")
    imap_user: str = Field(default="", description="IMAP user; empty: the address")
    imap_password: SecretStr | None = Field(default=None, description="IMAP password")
    folder: str = Field(default="INBOX", description="folder that mails arrive in")

    @model_validator(mode="after")
    def _can_look(self) -> Self:
        if self.imap_host and self.imap_password is None:
            raise ValueError("imap_host needs an imap_password; or leave both out, for the mailbox of [mail]")
        return self


class ChannelOptions(Options):
    """Off where absent."""

    pages: tuple[PageCheck, ...] = Field(default=(), description="pages of yours that have to be there")
    social: tuple[WebAddress, ...] = Field(
        default=(), description="your profiles on social networks, as your pages link to them"
    )
    form: FormCheck | None = Field(default=None, description="your contact form")
    mailbox: MailboxCheck | None = Field(default=None, description="your mailbox")
