"""What an answer over HTTP holds: whole, decompressed, and never more than it may."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Literal

import aiohttp

from monitor.errors import PermanentError, TemporaryError
from monitor.text import masked_url


class Unreadable(PermanentError):
    """An address that leads to nothing that can be read; `cause` says why."""

    cause: Literal["redirects", "too_large", "private"]

    def __init__(self, message: str, cause: Literal["redirects", "too_large", "private"], words: str) -> None:
        super().__init__(message, cause=cause, words=words)


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The whole body, decompressed. Raises PermanentError above `most` bytes, TemporaryError where it was cut off."""
    inflate = _Inflater(response)
    if inflate.stored and (response.content_length or most + 1) <= most:
        return await response.read()  # aiohttp itself holds the server to the length that it announced
    parts, size = [], 0
    async for piece in response.content.iter_any():
        for part in inflate(piece):
            parts.append(part)
            size += len(part)
            if size > most:
                said = f"{inflate.who} answers with more than {most // 2**20} MiB; it is not read"
                raise Unreadable(said, "too_large", inflate.who)
    if not inflate.complete:
        raise TemporaryError(f"{inflate.who}: the answer was cut off", cause="cut_off", words=inflate.who)
    return b"".join(parts)


class _Inflater:
    """Undoes gzip and deflate in small steps, so that a bomb is noticed before it has unfolded."""

    STEP = 256 * 1024  # bytes of output

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._url = response.url
        self._encoding = response.headers.get("Content-Encoding", "").strip().lower().removeprefix("x-")
        self._stream: Any = None  # zlib.decompressobj has no public type
        if self._encoding not in ("", "identity", "gzip", "deflate"):
            said = f"{self.who} answers in a compression that was not asked for"
            raise TemporaryError(said, cause="nonsense", words=self.who)

    @property
    def who(self) -> str:
        return masked_url(str(self._url))

    @property
    def stored(self) -> bool:
        """Whether the body comes as it is, without compression."""
        return self._encoding in ("", "identity")

    @property
    def complete(self) -> bool:
        return self._stream is None or self._stream.eof

    def __call__(self, piece: bytes) -> Iterator[bytes]:
        if self.stored:
            return iter((piece,))
        return self._inflated(piece)

    def _inflated(self, piece: bytes) -> Iterator[bytes]:
        while piece.strip(b"\0") or not self.complete:
            if self.complete:  # the first stream, or one more: gzip allows several in a row
                self._stream = zlib.decompressobj(self._window(piece))
            part = self._step(piece)
            if part:
                yield part
            piece = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if not piece and len(part) < self.STEP:
                return

    def _step(self, piece: bytes) -> bytes:
        try:
            part: bytes = self._stream.decompress(piece, self.STEP)
        except zlib.error:
            said = f"{self.who}: the compressed answer is damaged"
            raise TemporaryError(said, cause="cut_off", words=self.who) from None
        return part

    def _window(self, piece: bytes) -> int:
        if self._encoding == "gzip":
            return 16 + zlib.MAX_WBITS
        # "deflate" should be a zlib stream; some servers send it bare.
        return zlib.MAX_WBITS if piece[0] & 0x8F == 0x08 else -zlib.MAX_WBITS
