"""The link by which a customer says how his case was handled: badly, so-so or well.

It names a case and nothing else, so that whoever reads it learns nothing, and can do nothing but vote.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from monitor.errors import OhlasError
from monitor.options import Config

PATH = "/how/"


class LinkError(OhlasError):
    """The link is not ours, or it was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """`url` is the page's address as customers reach it, `key` a secret of 32 bytes; a link works for as long as
    `valid` after the answer went out."""

    url: str
    key: bytes
    valid: timedelta

    @property
    def beginning(self) -> str:
        """Of every link."""
        return f"{self.url.rstrip('/')}{PATH}"

    def link(self, case_id: int) -> str:
        """The same for the same case, so that a draft stays the same."""
        return f"{self.beginning}{self._serializer().dumps(case_id)}"

    def case(self, mark: str) -> int:
        """Raises LinkError."""
        try:
            case_id = self._serializer().loads(mark[:200])
        except BadSignature as error:
            raise LinkError("this link was not made here, or it was changed") from error
        if not isinstance(case_id, int):
            raise LinkError("this link was made by another version")
        return case_id

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.key, salt=b"ohlas.how")


def questions_of(config: Config) -> Questions | None:
    """None where customers are not asked. Raises StoreError where the key cannot be read."""
    if not (config.follow_up.ask and config.page.url):
        return None
    # imported late: only who asks customers needs it
    from responders.mail.tokens import key_of

    key = key_of(config.service.state)
    return Questions(url=config.page.url, key=key, valid=timedelta(days=config.follow_up.days))
