"""A Hugging Face hub on this machine: the endpoints that its client uses, as the hub documents them."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = (".onnx", ".safetensors", ".bin")  # kept as the hub keeps large files, listed with their SHA-256


@dataclass
class Hub:
    """`with Hub({"org/name": folder}) as hub`: serves the files of folders; `origin` goes into HF_ENDPOINT.

    `cut` maps a file's path to how many of its bytes are sent before the connection is dropped, once for each entry.
    """

    repositories: dict[str, Path]
    cut: dict[str, list[int]] = field(default_factory=dict)
    hold: dict[str, int] = field(default_factory=dict)  # path -> bytes sent before the rest is held back
    gated: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, Range

    def __post_init__(self) -> None:
        self._released = threading.Event()

    def release(self) -> None:
        """Hold nothing back any more."""
        self.hold.clear()
        self._released.set()

    def __enter__(self) -> Self:
        hub = self

        class Handler(_Handler):
            place = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fetched(self) -> list[str]:
        """Paths of the files that were asked for, in order."""
        marker = f"/resolve/{COMMIT}/"
        return [path.split(marker)[1] for method, path, _ in self.asked if method == "GET" and marker in path]

    def ranges(self, file: str) -> list[str]:
        return [span for method, path, span in self.asked if method == "GET" and path.endswith(file)]

    def listing(self, name: str) -> dict[str, Any]:
        folder = self.repositories[name]
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        siblings = [_sibling(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files]
        return {
            "_id": "1",
            "id": name,
            "modelId": name,
            "sha": COMMIT,
            "siblings": siblings,
            "tags": [],
            "downloads": 0,
        }


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    found: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": git}
    if name.endswith(_LARGE):
        found["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return found


class _Handler(BaseHTTPRequestHandler):
    place: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(head=True)

    def do_GET(self) -> None:
        self._answer(head=False)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, *, head: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.place.asked.append((self.command, path, self.headers.get("Range", "")))
        if asked := re.fullmatch(r"/api/models/([\w.-]+/[\w.-]+)(?:/revision/(.+))?", path):
            return self._describe(asked[1], asked[2] or "main")
        if asked := re.fullmatch(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)", path):
            return self._file(asked[1], asked[3], head)
        return self._refuse(404, "EntryNotFound")

    def _describe(self, name: str, revision: str) -> None:
        if name in self.place.gated:
            return self._refuse(403, "GatedRepo")
        if name not in self.place.repositories:
            return self._refuse(401, "RepoNotFound")
        if revision not in ("main", "v1", COMMIT):
            return self._refuse(404, "RevisionNotFound")
        return self._send(200, json.dumps(self.place.listing(name)).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "Content-Type": "application/json"})

    def _file(self, name: str, file: str, head: bool) -> None:
        content = (self.place.repositories[name] / file).read_bytes()
        mark = hashlib.sha256(content).hexdigest()
        headers = {"ETag": f'"{mark}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if "Range" in self.headers else 0
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206 if start else 200, content[start:], headers, head=head, file=file)

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, head: bool = False, file: str = "") -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if head:
            return
        cuts = self.place.cut.get(file)
        if cuts:
            self.wfile.write(body[: cuts.pop(0)])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if file in self.place.hold:
            sent = self.place.hold[file]
            self.wfile.write(body[:sent])
            self.wfile.flush()
            self.place._released.wait()
            self.close_connection = True
            return
        self.wfile.write(body)
