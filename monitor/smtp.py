"""Mails out through aiosmtplib: errors named by what the caller does next."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitor.errors import AuthError, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.options import MailOptions
from monitor.text import one_line

if TYPE_CHECKING:
    from aiosmtplib import SMTP

TIMEOUT: Final = 30.0  # seconds until a server answers
LAST_TIMEOUT: Final = 180.0  # after the whole mail: servers look into it before they take it, and who gives up is lost
_GO_ON, _TAKEN, _TOO_BUSY = 354, 250, 421


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How to reach the SMTP server; `sender` is the envelope's. `options` begins the names of its options, where errors
    name them."""

    sender: str
    host: str
    port: int
    security: str  # "tls", "starttls" or "none"
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    options: str = "mail."

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """Connected and logged in. Raises TemporaryError, AuthError (the server wants other credentials) and
        PermanentError (it cannot do what config.toml asks for); nothing was sent then."""
        from aiosmtplib import SMTP

        client = SMTP(
            hostname=self.host,
            port=self.port,
            # of our own domain: Python would ask the name service for this machine's name, which can take seconds
            local_hostname=self.sender.rpartition("@")[2].encode("idna").decode(),
            username=self.user or None,
            password=self.password if self.user else None,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            cert_bundle=str(self.ca) if self.ca else None,
            timeout=TIMEOUT,
        )
        with _named_at_the_door(self):
            await client.connect()
        try:
            yield Connection(client, self.sender)
        finally:
            await _leave(client)


@dataclass(frozen=True, slots=True)
class Connection:
    client: SMTP
    sender: str

    async def send(self, message: EmailMessage, recipient: str, *copies: str) -> None:
        """To all of them, or to nobody. Raises TemporaryError and PermanentError: it surely did not go out. AuthError:
        the server does not let us write from our address. OutcomeUnknown: it may be out, since the connection ended
        after the final dot."""
        raw = message.as_bytes(policy=WIRE)
        with _named_on_the_way(self.sender):
            await self.client.rset()  # whatever the mail before left behind
            await self.client.mail(wire_address(self.sender))
            for one in (recipient, *copies):
                await self.client.rcpt(wire_address(one))
            started = await self.client.execute_command(b"DATA")
        if started.code != _GO_ON:
            raise _refused(started.code, started.message)
        await self._hand_over(raw)

    async def asked(self, recipient: str, sender: str | None = None) -> tuple[int, str]:
        """What the server says to a mail from `sender` (ourselves; "" is nobody) for `recipient`, as a code and words.
        No mail is sent. Raises TemporaryError, PermanentError and AuthError where it does not come to that."""
        with _named_on_the_way(self.sender):
            await self.client.mail(wire_address(self.sender) if sender is None else sender)
            answer = await self.client.execute_command(b"RCPT", f"TO:<{wire_address(recipient)}>".encode())
            await self.client.rset()
        return answer.code, one_line(answer.message, 200)

    async def _hand_over(self, raw: bytes) -> None:
        """aiosmtplib's own data() raises the same errors before and after the mail is on its way, so the step that
        cannot be taken back is done here."""
        from aiosmtplib import SMTPException
        from aiosmtplib.errors import SMTPServerDisconnected

        protocol = self.client.protocol
        if protocol is None:
            raise TemporaryError("the mail server hung up", cause="mailbox")
        try:
            protocol.write(_on_the_wire(raw))
        except SMTPServerDisconnected:
            raise TemporaryError("the mail server hung up", cause="mailbox") from None
        try:
            answer = await protocol.read_response(timeout=LAST_TIMEOUT)
        except (SMTPException, OSError) as error:
            self.client.close()
            raise OutcomeUnknown(
                f"no answer after the whole mail was sent ({type(error).__name__})", cause="not_known"
            ) from None
        if answer.code != _TAKEN:
            raise _refused(answer.code, answer.message)

    @property
    def usable(self) -> bool:
        return self.client.is_connected


def server_of(mail: MailOptions) -> Server:
    return Server(
        sender=mail.sender,
        host=mail.host,
        port=mail.port,
        security=mail.security,
        user=mail.user,
        password=mail.password.get_secret_value() if mail.password else "",
        ca=mail.ca,
    )


async def _leave(client: SMTP) -> None:
    from aiosmtplib import SMTPException

    try:
        if client.is_connected:
            await client.quit(timeout=5)
    except (SMTPException, OSError):
        pass  # it has all that it was to have
    finally:
        client.close()


@contextmanager
def _named_at_the_door(server: Server) -> Iterator[None]:
    from aiosmtplib import SMTPException
    from aiosmtplib.errors import SMTPAuthenticationError, SMTPResponseException

    where = f"{server.host}:{server.port}"
    try:
        yield
    except SMTPAuthenticationError as error:
        raise _login(server, error.code, error.message) from None
    except SMTPResponseException as error:
        raise _refused(error.code, error.message) from None
    except (SMTPException, OSError) as error:
        raise _at_the_door(error, server, where) from None


def _at_the_door(error: Exception, server: Server, where: str) -> SourceError:
    from aiosmtplib import SMTPException

    if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError) and server.ca is not None:
        return PermanentError(f"{server.options}ca: {server.ca} cannot be read")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = f"; name the authority's certificate in {server.options}ca" if server.ca is None else ""
            return TemporaryError(
                f"the certificate of {where} is not trusted ({cause.verify_message}){hint}",
                cause="untrusted",
                words=where,
            )
        if isinstance(cause, ssl.SSLError):
            return TemporaryError(
                f"{where} does not speak TLS as {server.options}security asks for; 465: tls, 587: starttls",
                cause="no_tls",
                words=where,
            )
        cause = cause.__cause__
    if type(error) is SMTPException and "AUTH" not in str(error):
        return PermanentError(f"{where} offers no STARTTLS; try {server.options}security = 'tls' with port 465")
    if type(error) is SMTPException:
        return PermanentError(
            f"{where} offers no way to log in that we know; leave {server.options}user empty, or use TLS"
        )
    return TemporaryError(
        f"{where} cannot be reached ({type(error.__cause__ or error).__name__})", cause="no_answer", words=where
    )


@contextmanager
def _named_on_the_way(sender: str) -> Iterator[None]:
    from aiosmtplib import SMTPException
    from aiosmtplib.errors import SMTPResponseException, SMTPSenderRefused

    try:
        yield
    except SMTPSenderRefused as error:
        if error.code // 100 == 5:
            said = _said(error.code, error.message)
            raise AuthError(
                f"the mail server does not let us write from {sender}: {said}",
                cause="bad_sender",
                words=f"{sender}: {said}",
            ) from None
        raise _refused(error.code, error.message) from None
    except SMTPResponseException as error:
        raise _refused(error.code, error.message) from None
    except (SMTPException, OSError) as error:
        raise TemporaryError(f"the mail server hung up ({type(error).__name__})", cause="mailbox") from None


def _login(server: Server, code: int, message: str) -> SourceError:
    said = _said(code, message)
    if code // 100 == 4:
        return TemporaryError(f"the mail server cannot check the password now: {said}", cause="mailbox", words=said)
    return AuthError(
        f"the mail server refuses {server.options}user and {server.options}password: {said}",
        cause="refused",
        words=said,
    )


def _refused(code: int, message: str) -> SourceError:
    said = _said(code, message)
    if code // 100 == 5:
        return PermanentError(f"the mail server refuses it: {said}", cause="mail_refused", words=said)
    return (Busy if code == _TOO_BUSY else TemporaryError)(said, cause="mailbox", words=said)


class Busy(TemporaryError):
    """421: the server is about to hang up on everybody, not only on this mail."""


def _said(code: int, message: str) -> str:
    return f"{code} {one_line(message, 200)}"


def wire_address(address: str) -> str:
    """With a domain such as "pošta.sk" as the wire wants it. Raises PermanentError."""
    name, _, domain = address.rpartition("@")
    try:
        return f"{name.encode('ascii').decode()}@{domain.encode('idna').decode()}"
    except UnicodeError:
        raise PermanentError("the address holds letters that mail servers do not take", cause="bad_recipient") from None


def _on_the_wire(raw: bytes) -> bytes:
    """Lines that begin with a dot get a second one; a dot alone ends it."""
    return re.sub(rb"(?m)^\.", b"..", raw.removesuffix(b"\r\n") + b"\r\n") + b".\r\n"
