"""When the certificates of servers end, noted as connections are made."""

from __future__ import annotations

import ssl
from collections.abc import MutableMapping
from datetime import UTC, datetime


def noting(ends: MutableMapping[str, datetime], trust: ssl.SSLContext | None = None) -> ssl.SSLContext:
    """A context for `Http` that writes into `ends` until when each host's certificate holds. `trust`: a context with
    authorities of its own; it is changed."""

    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate = self.getpeercert()
            if certificate and isinstance(self.server_hostname, str):
                seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
                ends[self.server_hostname] = datetime.fromtimestamp(seconds, UTC)

    context = trust or ssl.create_default_context()
    context.sslobject_class = Noting
    return context
