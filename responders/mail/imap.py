"""Reads the mailbox that replies arrive in: IMAP in a thread of its own, since its library blocks.

Mails that are none of ours stay as they are, unread; ours are marked as read and moved away. What was read is kept as
UIDVALIDITY and UID, and every mail of ours is remembered by its key, so that nothing is taken twice or missed.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import io
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import (
    ImapToolsError,
    MailboxFolderCreateError,
    MailboxFolderSelectError,
    MailboxLoginError,
)

from monitor.errors import AuthError, PermanentError, TemporaryError
from monitor.options import MailOptions, Security
from monitor.store.sqlite import SqliteStore
from monitor.text import one_line
from responders.mail.incoming import LIMIT, Incoming, read

log = logging.getLogger(__name__)

FOLDER: Final = "Ohlas"  # where mails of ours go when they are done with
IDLE_FOR = 240.0  # seconds of one IDLE; after it the folder is looked through in any case
POLL_EVERY = 60.0  # seconds between two looks where the server cannot IDLE
ANSWERS_WITHIN = 30.0  # seconds that the server may take for anything but IDLE
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds before it is tried again
STOPS_WITHIN = 1.0  # seconds that a shutdown waits for the thread
BEAT = 0.2  # seconds after which the thread looks whether it has to stop while the event loop works for it
BACK = timedelta(days=15)  # at first, and after the server numbered anew: marks do not live longer

P = ParamSpec("P")
T = TypeVar("T")
Take = Callable[[Incoming], Coroutine[object, object, bool]]
_FAULTS = (OSError, ImapToolsError, imaplib.IMAP4.error, EOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`mailbox` is the address that Ohlas writes from; `folder` is where its mails arrive."""

    host: str
    port: int
    security: Security
    user: str
    password: str = field(repr=False)
    mailbox: str
    folder: str = "INBOX"
    authserv_id: str = ""
    ca: Path | None = None

    @property
    def reader(self) -> str:
        return f"imap {self.user}@{self.host} {self.folder}"


@dataclass(slots=True)
class Reader:
    """`take` is called in the event loop, one mail after the other, and says whether the mail was ours."""

    account: Account
    store: SqliteStore
    take: Take
    clock: Callable[[], datetime]
    idle_for: float = IDLE_FOR
    poll_every: float = POLL_EVERY
    first_pause: float = FIRST_PAUSE
    trouble: str = ""  # why nothing is read, for /healthz
    listening: asyncio.Event = field(default_factory=asyncio.Event)  # the folder was looked through to its end

    async def run(self) -> None:
        """Until cancelled. What the network and the server do wrong is tried again; StoreBusy and bugs are raised."""
        session = _Session(self, asyncio.get_running_loop())
        thread = threading.Thread(target=session.run, name="imap", daemon=True)
        thread.start()
        try:
            await asyncio.wait({session.ended})
            session.ended.result()
        finally:
            session.stop()
            self.listening.clear()
            # a server that does not answer must not keep Ohlas from stopping; the thread touches nothing any more
            await asyncio.wait({session.ended}, timeout=STOPS_WITHIN)


class _Session:
    """What happens in the thread. Everything that it wants of the rest of Ohlas it asks the event loop for."""

    def __init__(self, reader: Reader, loop: asyncio.AbstractEventLoop) -> None:
        self.ended: asyncio.Future[None] = loop.create_future()
        self._reader = reader
        self._account = reader.account
        self._loop = loop
        self._stopping = threading.Event()
        self._box: BaseMailBox | None = None

    def stop(self) -> None:
        """From the event loop: whatever the thread waits for ends now."""
        self._stopping.set()
        if self._box is not None and (sock := getattr(self._box.client, "sock", None)) is not None:
            with contextlib.suppress(OSError):
                # not SSLSocket's own, which takes the connection from under the thread that reads from it
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def run(self) -> None:
        error: BaseException | None = None
        try:
            self._keep_on()
        except BaseException as caught:  # noqa: BLE001 - handed to the event loop, which raises it
            error = caught
        with contextlib.suppress(RuntimeError):  # the loop is closed; nobody waits any more
            self._loop.call_soon_threadsafe(self._end, error)

    def _end(self, error: BaseException | None) -> None:
        if self.ended.done():
            return
        if error is None or self._stopping.is_set():
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)

    def _keep_on(self) -> None:
        pause = self._reader.first_pause
        while not self._stopping.is_set():
            try:
                with self._connected() as box:
                    self._recovered()
                    pause = self._reader.first_pause
                    self._listen(box)
            except _FAULTS as error:
                if self._stopping.is_set():
                    return
                self._failed(error, pause)
                self._stopping.wait(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    def _recovered(self) -> None:
        if self._reader.trouble:
            log.info("mails can be read again")
        self._reader.trouble = ""

    def _failed(self, error: Exception, pause: float) -> None:
        said = _plain(error, self._account)
        first = not self._reader.trouble
        self._reader.trouble = f"imap: {said}"
        log.log(
            logging.WARNING if first else logging.DEBUG, "mails cannot be read: %s; next try in %.0f s", said, pause
        )

    @contextlib.contextmanager
    def _connected(self) -> Iterator[BaseMailBox]:
        self._box = box = _connect(self._account)
        try:
            if self._stopping.is_set():
                raise ConnectionAbortedError
            box.login(self._account.user, self._account.password, initial_folder=None)
            _ask_abilities(box)
            yield box
        finally:
            self._box = None
            with contextlib.suppress(*_FAULTS):
                box.client.shutdown()

    def _listen(self, box: BaseMailBox) -> None:
        done = _archive(box, self._account.folder)
        validity = self._open(box)
        while not self._stopping.is_set():
            self._look(box, validity, done)
            if _heard_of_more(box):
                continue
            self._in_loop(self._tell_listening)
            self._wait(box)

    def _open(self, box: BaseMailBox) -> int:
        box.folder.set(self._account.folder)
        _, found = box.client.response("UIDVALIDITY")
        return int(found[-1] or 0)

    async def _tell_listening(self) -> None:
        self._reader.listening.set()

    def _wait(self, box: BaseMailBox) -> None:
        if "IDLE" in box.client.capabilities:
            with box.idle as idle:
                if not _said_already(box):
                    idle.poll(timeout=self._reader.idle_for)
            return
        self._stopping.wait(self._reader.poll_every)
        box.client.noop()

    def _look(self, box: BaseMailBox, validity: int, archive: str) -> None:
        """Take what is new, oldest first; the cursor moves on after each, so that a crash repeats one at most."""
        for uid in self._new(box, validity):
            if self._stopping.is_set():
                return
            raw = _fetch(box, uid)
            mail = read(raw, mailbox=self._account.mailbox, authserv_id=self._account.authserv_id)
            if raw and self._in_loop(self._reader.take, mail):
                _put_away(box, uid, archive)
            self._in_loop(self._advance, f"{validity}:{uid}")

    def _new(self, box: BaseMailBox, validity: int) -> list[int]:
        known, _, last = self._in_loop(self._cursor).partition(":")
        if known == str(validity):
            # a server answers "n:*" with its newest mail even where that is older than n
            return [uid for uid in _search(box, f"UID {int(last) + 1}:*") if uid > int(last)]
        since = self._reader.clock() - BACK
        return _search(box, f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}")

    async def _cursor(self) -> str:
        store = self._reader.store
        return await store.run(store.messages.cursor, self._account.reader)

    async def _advance(self, value: str) -> None:
        store = self._reader.store
        await store.run(store.messages.advance, self._account.reader, value)

    def _in_loop(self, work: Callable[P, Coroutine[object, object, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` comes to in the event loop. Raises ConnectionAbortedError where the loop stops meanwhile."""
        if self._loop.is_closed():
            raise ConnectionAbortedError
        future = asyncio.run_coroutine_threadsafe(work(*args, **kwargs), self._loop)
        while True:
            try:
                return future.result(timeout=BEAT)
            except TimeoutError:
                if self._stopping.is_set():
                    future.cancel()
                    raise ConnectionAbortedError from None
            except CancelledError:
                raise ConnectionAbortedError from None


def try_out(account: Account) -> None:
    """Log in, open the folder and leave again, for `ohlas check`; no mail is touched. Raises AuthError, PermanentError
    (there is no such folder) and TemporaryError."""
    try:
        box = _connect(account)
        try:
            box.login(account.user, account.password, initial_folder=None)
            box.folder.set(account.folder, readonly=True)
        finally:
            box.client.shutdown()
    except MailboxLoginError as error:
        raise AuthError(_plain(error, account)) from None
    except MailboxFolderSelectError:
        raise PermanentError(f"there is no folder {account.folder}; see mail.folder") from None
    except _FAULTS as error:
        raise TemporaryError(_plain(error, account)) from None


# IMAP

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def _connect(account: Account) -> BaseMailBox:
    """Raises OSError (ssl.SSLError among them), ImapToolsError, imaplib.IMAP4.error."""
    if account.security == "none":
        return MailBoxUnencrypted(account.host, account.port, timeout=ANSWERS_WITHIN)
    context = ssl.create_default_context(cafile=account.ca)
    if account.security == "tls":
        return MailBox(account.host, account.port, timeout=ANSWERS_WITHIN, ssl_context=context)
    return MailBoxStartTls(account.host, account.port, timeout=ANSWERS_WITHIN, ssl_context=context)


def _ask_abilities(box: BaseMailBox) -> None:
    """Again after the login: before it, servers keep most of what they can do to themselves."""
    _, found = box.client.capability()
    box.client.capabilities = tuple((found[-1] or b"").decode("ascii", "replace").upper().split())


def _heard_of_more(box: BaseMailBox) -> bool:
    """Whether the server told of new mails while it was asked for something else: IDLE would not tell again."""
    return box.client.response("EXISTS")[1] != [None]


def _said_already(box: BaseMailBox) -> bool:
    """Whether more came together with the answer to IDLE. It lies in imaplib's buffer, and imap-tools, which waits for
    the socket, would not see it before the server speaks again."""
    client = box.client
    if (chunks := getattr(client, "_readbuf", None)) is not None:  # imaplib since Python 3.14
        return any(chunks)
    buffer = cast(io.BufferedReader, client.file)
    client.sock.settimeout(0)
    try:
        return bool(buffer.peek(1))
    except ssl.SSLWantReadError:
        return False
    finally:
        client.sock.settimeout(ANSWERS_WITHIN)


def _search(box: BaseMailBox, criteria: str) -> list[int]:
    return sorted(int(uid) for uid in box.uids(criteria, charset=None) if uid.isdecimal())


def _fetch(box: BaseMailBox, uid: int) -> bytes:
    """The beginning of a mail, which stays unread; b"" where somebody deleted it meanwhile."""
    _, found = box.client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{LIMIT}>)")
    return next((part[1] for part in found if isinstance(part, tuple)), b"")


def _put_away(box: BaseMailBox, uid: int, archive: str) -> None:
    """Not with imap-tools' own `flag` and `move`: they expunge, and so would delete for good whatever else is marked
    as deleted in the folder."""
    box.client.uid("STORE", str(uid), "+FLAGS", r"(\Seen)")
    if not archive:
        return
    if "MOVE" in box.client.capabilities:
        box.client.uid("MOVE", str(uid), f'"{archive}"')
    elif "UIDPLUS" in box.client.capabilities:
        copied, _ = box.client.uid("COPY", str(uid), f'"{archive}"')
        if copied == "OK":
            box.client.uid("STORE", str(uid), "+FLAGS", r"(\Deleted)")
            box.client.uid("EXPUNGE", str(uid))


def _archive(box: BaseMailBox, folder: str) -> str:
    """The folder for mails that are done with, made where it is missing; "" where the server wants none."""
    inbox = box.folder.list("", "INBOX")
    delimiter = inbox[0].delim if inbox else "/"
    for name in (FOLDER, f"INBOX{delimiter}{FOLDER}"):
        if folder.casefold() == name.casefold():
            return ""
        if box.folder.exists(name):
            return name
        with contextlib.suppress(MailboxFolderCreateError, imaplib.IMAP4.error):
            box.folder.create(name)
            return name
    log.info("the mail server makes no folder %s; mails that are done with stay where they are, as read", FOLDER)
    return ""


def _plain(error: Exception, account: Account) -> str:
    """What a person can act on, without the password."""
    if isinstance(error, MailboxLoginError):
        return "the mail server refuses imap_user or imap_password"
    said = one_line(str(error)) or type(error).__name__
    return said.replace(account.password, "***") if account.password else said


def account_of(mail: MailOptions) -> Account | None:
    """What config.toml says of the mailbox; None where replies are not read. What it leaves out is as for sending."""
    if not mail.imap_host:
        return None
    password = mail.imap_password or mail.password
    return Account(
        host=mail.imap_host,
        port=mail.imap_port,
        security=mail.imap_security,
        user=mail.imap_user or mail.user,
        password=password.get_secret_value() if password else "",
        mailbox=mail.sender,
        folder=mail.folder,
        authserv_id=mail.authserv_id,
        ca=mail.ca,
    )
