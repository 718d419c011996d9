"""The address by which a person ends the digests, or has them again: in each of them, and in their headers.

It names a person and does nothing else, so it works without a sign-in, and for as long as the person is there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from monitor.errors import OhlasError

PATH = "/digest/off/"


class LinkError(OhlasError):
    """The link is not ours, it was changed, or its person is not in config.toml any more."""


@dataclass(frozen=True, slots=True)
class DigestLinks:
    """`key` is a secret of 32 bytes."""

    key: bytes

    def address(self, page: str, person: str) -> str:
        return f"{page}{PATH}{self._serializer().dumps(person)}"

    def person(self, mark: str, people: Collection[str]) -> str:
        """Raises LinkError."""
        try:
            found = self._serializer().loads(mark[:500])
        except BadSignature as error:
            raise LinkError("this link was not made here, or it was changed") from error
        if found not in people:
            raise LinkError("this link is for somebody who is not in config.toml any more")
        return str(found)

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt=b"ohlas.digest")
