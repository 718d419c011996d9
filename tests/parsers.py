"""Parsers that misbehave on demand, for the worker's tests."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from monitor.errors import PermanentError


def parse(request: Mapping[str, Any], body: bytes) -> Any:
    match request["do"]:
        case "echo":
            return {"request": dict(request), "length": len(body), "tail": body[-3:].decode(), "pid": os.getpid()}
        case "print":
            print("between the answers", flush=True)  # noqa: T201 - this is what it is for
            return "printed"
        case "refuse":
            raise PermanentError("this is no feed")
        case "fail":
            raise KeyError("not expected")
        case "spin":
            while True:
                pass
        case "hang":
            threading.Event().wait()
        case "swell":
            return len(bytearray(2**33))
        case "environment":
            return dict(os.environ)
        case "exit":
            os._exit(7)
