"""A mailbox over IMAP, for reading only: in a thread of its own, since the library blocks."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from monitor.errors import AuthError, PermanentError, TemporaryError
from monitor.options import Security
from monitor.text import one_line

if TYPE_CHECKING:
    from imap_tools import BaseMailBox

T = TypeVar("T")
ANSWERS_WITHIN = 30.0  # seconds, for each step
STOPS_WITHIN = 1.0  # seconds that who is cancelled waits for the thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    host: str
    port: int
    security: Security
    user: str
    password: str = field(repr=False)
    ca: Path | None = None
    patience: float = ANSWERS_WITHIN


async def in_thread(account: Account, work: Callable[[BaseMailBox], T]) -> T:
    """What `work` comes to with the mailbox, logged in. A server that is silent neither takes a thread from others
    nor keeps Ohlas from stopping. Raises AuthError, PermanentError, TemporaryError, and what `work` raises."""
    done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    session = _Session(account, work, done)
    threading.Thread(target=session.run, name=f"imap {account.host}", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        session.stop()
        await asyncio.wait({done}, timeout=STOPS_WITHIN)
        if done.done() and not done.cancelled():
            done.exception()  # it is nobody's any more
        raise


def opened(box: BaseMailBox, folder: str) -> int:
    """The folder, for reading only; returns its UIDVALIDITY. Raises PermanentError."""
    from imap_tools.errors import MailboxFolderSelectError

    try:
        box.folder.set(folder, readonly=True)
    except MailboxFolderSelectError:
        raise PermanentError(f"the mailbox has no folder {folder}", cause="no_folder", words=folder) from None
    _, found = box.client.response("UIDVALIDITY")
    return int(found[-1] or 0)


def search(box: BaseMailBox, criteria: str) -> list[int]:
    """UIDs, ascending; without drafts, and what is marked as deleted."""
    return sorted(int(uid) for uid in box.uids(f"{criteria} UNDELETED UNDRAFT", charset=None) if uid.isdecimal())


def fetch(box: BaseMailBox, uid: int, most: int) -> bytes:
    """The first bytes of a mail, which stays unread; b"" where somebody deleted it meanwhile."""
    _, found = box.client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{most}>)")
    return next((part[1] for part in found if isinstance(part, tuple)), b"")


class _Session(Generic[T]):
    """What happens in the thread."""

    def __init__(self, account: Account, work: Callable[[BaseMailBox], T], done: asyncio.Future[T]) -> None:
        self._account = account
        self._work = work
        self._done = done
        self._loop = done.get_loop()
        self._box: BaseMailBox | None = None

    def stop(self) -> None:
        """From the event loop: whatever the thread waits for ends now."""
        if self._box is not None and (sock := getattr(self._box.client, "sock", None)) is not None:
            with contextlib.suppress(OSError):
                # not SSLSocket's own, which takes the connection from under the thread that reads from it
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def run(self) -> None:
        try:
            result = self._named()
        except BaseException as error:  # noqa: BLE001 - handed to the event loop, which raises it
            self._tell(self._done.set_exception, error)
        else:
            self._tell(self._done.set_result, result)

    def _tell(self, settle: Callable[[T], None] | Callable[[BaseException], None], value: T | BaseException) -> None:
        def end() -> None:
            if not self._done.done():
                settle(value)  # type: ignore[arg-type]  # each is called with its own

        with contextlib.suppress(RuntimeError):  # the loop is closed; nobody waits any more
            self._loop.call_soon_threadsafe(end)

    def _named(self) -> T:
        from imap_tools.errors import ImapToolsError, MailboxLoginError

        host = self._account.host
        try:
            return self._worked()
        except MailboxLoginError:
            raise AuthError(
                f"{host} refuses the user or the password of this source", cause="refused", words=host
            ) from None
        except FileNotFoundError:
            raise PermanentError("there is no such file as ca names") from None
        except ssl.SSLCertVerificationError as error:
            raise TemporaryError(
                f"the certificate of {host} is not trusted: {error.verify_message}", cause="untrusted", words=host
            ) from None
        except socket.gaierror:
            raise TemporaryError(
                f"{host}: no such host name, or the name service does not answer", cause="no_host", words=host
            ) from None
        except (OSError, ImapToolsError, imaplib.IMAP4.error, EOFError) as error:
            said = (one_line(str(error)) or type(error).__name__).replace(self._account.password, "***")
            raise TemporaryError(f"{host}: {said}", cause="mailbox", words=f"{host}: {said}") from None

    def _worked(self) -> T:
        self._box = box = _connected(self._account)
        try:
            box.login(self._account.user, self._account.password, initial_folder=None)
            return self._work(box)
        finally:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                box.client.shutdown()


def _connected(account: Account) -> BaseMailBox:
    from imap_tools import MailBox, MailBoxStartTls, MailBoxUnencrypted

    if account.security == "none":
        return MailBoxUnencrypted(account.host, account.port, timeout=account.patience)
    context = ssl.create_default_context(cafile=account.ca)
    kind = MailBox if account.security == "tls" else MailBoxStartTls
    return kind(account.host, account.port, timeout=account.patience, ssl_context=context)
