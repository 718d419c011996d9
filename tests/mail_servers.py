"""A real Postfix and a real Dovecot on 127.0.0.1, with users, certificates and plus-addresses, for a whole test run.

`mail_servers` is a fixture of all tests; it gives them empty mailboxes and an empty queue. Everything lives in a folder
of its own; nothing of the machine's own mail is touched, and no mail leaves it: other domains than example.test are
refused.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from imap_tools import BaseMailBox, MailBox, MailBoxUnencrypted

DOMAIN = "example.test"
OHLAS = f"ohlas@{DOMAIN}"  # what Ohlas writes from, and where replies to ohlas+TOKEN@ arrive
ANNA, BORIS, CYRIL = f"anna@{DOMAIN}", f"boris@{DOMAIN}", f"cyril@{DOMAIN}"
PASSWORDS = {OHLAS: "made-up-ohlas", ANNA: "made-up-anna", BORIS: "made-up-boris", CYRIL: "made-up-cyril"}
NOBODY = f"nobody@{DOMAIN}"  # answered with 550
AUTHSERV_ID = f"mx.{DOMAIN}"
PATIENCE = 20.0  # seconds until the servers listen, or a mail is there

# each process serves one client, so that what `refuse` writes holds from the next connection on
_MAIN_CF = """
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/postfix-data
maillog_file = {base}/postfix.log
maillog_file_prefixes = {base}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{domain}
mydomain = {domain}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{base}/postfix/mailboxes
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
default_transport = error:off
relay_transport = error:off
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_tls_cert_file = {base}/server.crt
smtpd_tls_key_file = {base}/server.key
smtpd_tls_session_cache_database =
smtpd_recipient_restrictions = check_recipient_access texthash:{base}/postfix/refused, permit_mynetworks, reject
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100
smtpd_client_connection_rate_limit = 0
message_size_limit = 2000000
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
lmtp_dns_support_level = disabled
max_use = 1
"""

_MASTER_CF = """
{smtp} inet n - n - - smtpd
{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o {{ smtpd_recipient_restrictions = check_recipient_access texthash:{base}/postfix/refused, {authenticated} }}
{smtps} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
  -o smtpd_sasl_auth_enable=yes
  -o {{ smtpd_recipient_restrictions = check_recipient_access texthash:{base}/postfix/refused, {authenticated} }}
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_DOVECOT_CONF = """
base_dir = {base}/dovecot/run
state_dir = {base}/dovecot/state
log_path = {base}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
ssl = yes
ssl_cert = <{base}/server.crt
ssl_key = <{base}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{base}/mail/%n
first_valid_uid = 1
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
mail_max_userip_connections = 50
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/dovecot/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={base}/mail/%n
}}
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener auth {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
"""

_PORTS = ("smtp", "submission", "smtps", "imap", "imaps", "lmtp", "auth")


def free_ports(*names: str) -> dict[str, int]:
    """A port each that nobody listens on now."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in names]
    try:
        return {name: one.getsockname()[1] for name, one in zip(names, held, strict=True)}
    finally:
        for one in held:
            one.close()


@dataclass
class MailServers:
    """`ports`: smtp (neither login nor encryption), submission (STARTTLS and login), smtps (TLS and login), imap
    (STARTTLS), imaps. `ca` is the certificate of the authority that signed theirs, `strange_ca` of another one."""

    base: Path
    host: str = "127.0.0.1"
    ports: dict[str, int] = field(default_factory=lambda: free_ports(*_PORTS))
    _dovecot: subprocess.Popen[bytes] | None = None
    _refused: str = ""

    @property
    def ca(self) -> Path:
        return self.base / "ca.crt"

    @property
    def strange_ca(self) -> Path:
        return self.base / "strange.crt"

    # what happens to the mails

    def refuse(self, address: str, code: int, text: str = "5.0.0 made up by the test") -> None:
        """Answer RCPT TO that address with `code` from the next connection on; `refuse_nobody` ends it."""
        self._refusals(self._refused + f"{address} {code} {text}\n")

    def refuse_nobody(self) -> None:
        self._refusals(f"{NOBODY} 550 5.1.1 no such mailbox\n")

    def deliver(self, message: EmailMessage | bytes, to: str = OHLAS, sender: str = ANNA) -> None:
        """Hand a mail to Postfix as any server of the world does; `sender` "" is that of bounces. Header fields stay
        as they are, Authentication-Results of AUTHSERV_ID among them: this Postfix checks nothing by itself."""
        raw = message if isinstance(message, bytes) else message.as_bytes(policy=policy.SMTP)
        # a name given, since Python would ask the name service for ours
        with smtplib.SMTP(self.host, self.ports["smtp"], "localhost", timeout=PATIENCE) as connection:
            connection.sendmail(sender, [to], raw)

    def mailbox(self, address: str, *, port: str = "imaps") -> BaseMailBox:
        """A connected IMAP client, to be used in a `with`."""
        found: BaseMailBox = (
            MailBox(self.host, self.ports["imaps"], timeout=PATIENCE, ssl_context=self.trusting())
            if port == "imaps"
            else MailBoxUnencrypted(self.host, self.ports["imap"], timeout=PATIENCE)
        )
        return found.login(address, PASSWORDS[address])

    def mails(self, address: str, count: int = 1) -> list[EmailMessage]:
        """All mails in INBOX, oldest first, as soon as there are `count`; with 0 those that are there now.

        Raises AssertionError where they do not come."""
        until = time.monotonic() + PATIENCE
        with self.mailbox(address) as box:
            while True:
                found = [_parsed(one.obj.as_bytes()) for one in box.fetch(mark_seen=False)]
                if len(found) >= count:
                    return found
                if time.monotonic() > until:
                    raise AssertionError(f"{len(found)} of {count} mails for {address}; {self.log()[-3000:]}")
                box.idle.wait(timeout=1)

    def empty(self) -> None:
        _run("postsuper", "-c", self.base / "postfix", "-d", "ALL")
        for address in PASSWORDS:
            with self.mailbox(address) as box:
                box.delete(list(box.uids()))
                for folder in box.folder.list():
                    if folder.name != "INBOX":
                        box.folder.delete(folder.name)

    def kick(self, address: str) -> None:
        """End all IMAP sessions of a user, as a server does that is restarted."""
        _run("doveadm", "-c", self.base / "dovecot/dovecot.conf", "kick", address)

    def options(self, **options: str) -> str:
        """The table [mail] of a configuration that uses these servers, the password in $SMTP_PASSWORD."""
        known = {"sender": OHLAS, "host": self.host, "user": OHLAS, "password": "$SMTP_PASSWORD", "ca": str(self.ca)}
        known |= {"imap_host": self.host} | options
        ports = {"port": self.ports["submission"]}
        ports["imap_port"] = self.ports["imap" if options.get("imap_security") == "starttls" else "imaps"]
        return "[mail]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in (known | ports).items())

    # the servers themselves

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))

    def log(self) -> str:
        """What both wrote to their logs."""
        files = (self.base / "postfix.log", self.base / "dovecot.log")
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def start(self) -> None:
        self._write()
        self.start_dovecot()
        done = _run("postfix", "-c", self.base / "postfix", "start")
        if done.returncode:
            raise AssertionError(f"Postfix does not start: {done.stderr} {self.log()[-3000:]}")
        self._listening("smtp", "submission", "smtps")

    def stop(self) -> None:
        _run("postfix", "-c", self.base / "postfix", "stop")
        self.stop_dovecot()

    def start_dovecot(self) -> None:
        with (self.base / "dovecot.log").open("ab") as log:
            self._dovecot = subprocess.Popen(
                ["dovecot", "-F", "-c", str(self.base / "dovecot/dovecot.conf")],
                stdout=log,
                stderr=log,
                env=os.environ | {"PATH": _path()},
            )
        self._listening("imap", "imaps", "lmtp", "auth")

    def stop_dovecot(self) -> None:
        """Sessions end; Postfix keeps what arrives meanwhile in its queue."""
        if self._dovecot is not None:
            self._dovecot.terminate()
            self._dovecot.wait(timeout=PATIENCE)
            self._dovecot = None

    def _write(self) -> None:
        for folder in ("postfix", "queue", "dovecot/run", "dovecot/state", "mail", "postfix-data"):
            (self.base / folder).mkdir(parents=True)
        shutil.chown(self.base / "mail", "mail", "mail")
        shutil.chown(self.base / "postfix-data", "postfix")
        _make_certificates(self.base)
        given = {
            "base": self.base,
            "domain": DOMAIN,
            "authenticated": "permit_sasl_authenticated, reject",
            **self.ports,
        }
        (self.base / "postfix/main.cf").write_text(_MAIN_CF.format_map(given))
        (self.base / "postfix/master.cf").write_text(_MASTER_CF.format_map(given))
        (self.base / "postfix/mailboxes").write_text("".join(f"{one} {one}\n" for one in PASSWORDS))
        os.utime(self.base / "postfix/mailboxes", (0, 0))
        self.refuse_nobody()
        (self.base / "dovecot/dovecot.conf").write_text(_DOVECOT_CONF.format_map(given))
        users = self.base / "dovecot/users"
        users.write_text("".join(f"{user}:{{PLAIN}}{password}\n" for user, password in PASSWORDS.items()))

    def _refusals(self, table: str) -> None:
        file, self._refused = self.base / "postfix/refused", table
        file.write_text(table)
        os.utime(file, (0, 0))  # Postfix waits a second or two before it reads a table that has just changed

    def _listening(self, *names: str) -> None:
        until = time.monotonic() + PATIENCE
        for name in names:
            while not self._answers(name):
                if time.monotonic() > until:
                    raise AssertionError(f"nobody listens on the port for {name}: {self.log()[-3000:]}")
                time.sleep(0.02)  # neither server tells when it is ready

    def _answers(self, name: str) -> bool:
        try:
            socket.create_connection((self.host, self.ports[name]), timeout=1).close()
        except OSError:
            return False
        return True


def missing_servers() -> str:
    """Why these servers cannot run here, "" where they can."""
    if missing := [one for one in ("postfix", "dovecot", "openssl") if shutil.which(one, path=_path()) is None]:
        return f"Postfix and Dovecot are not installed: {', '.join(missing)} is missing"
    if os.geteuid() != 0:
        return "Postfix has to be started by root"
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return "Postfix has no user of its own here"
    return "" if Path("/usr/lib/dovecot/lmtp").exists() else "Dovecot's LMTP (dovecot-lmtpd) is not installed"


@pytest.fixture(scope="session")
def running_mail_servers() -> Iterator[MailServers]:
    if reason := missing_servers():
        pytest.skip(reason)
    # not pytest's own folder: that one is closed to the users that the servers run as
    base = Path(tempfile.mkdtemp(prefix="ohlas-mail-"))
    base.chmod(0o755)
    servers = MailServers(base)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(base)


@pytest.fixture
def mail_servers(running_mail_servers: MailServers) -> MailServers:
    running_mail_servers.refuse_nobody()
    running_mail_servers.empty()
    return running_mail_servers


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Servers live in /usr/sbin, which not everybody has on the path."""
    arguments = [str(one) for one in command]
    return subprocess.run(arguments, check=False, capture_output=True, text=True, env=os.environ | {"PATH": _path()})


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"


def _parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def _make_certificates(base: Path) -> None:
    for name in ("ca", "strange"):
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            *("-subj", f"/CN=made-up {name}", "-keyout", base / f"{name}.key", "-out", base / f"{name}.crt"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )
    (base / "server.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    _openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost"),
        *("-keyout", base / "server.key", "-out", base / "server.csr"),
    )
    _openssl(
        *("x509", "-req", "-in", base / "server.csr", "-CA", base / "ca.crt", "-CAkey", base / "ca.key"),
        *("-CAcreateserial", "-days", "2", "-extfile", base / "server.ext", "-out", base / "server.crt"),
    )


def _openssl(*arguments: str | Path) -> None:
    _run("openssl", *arguments).check_returncode()
