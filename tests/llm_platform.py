"""A server on 127.0.0.1 that speaks OpenAI's chat completions, with the ways in which real ones fail and mislead."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.loopback import Answer, Asked

KEY = "sk-canary-7f3a9c51d2e84b06"
MODEL = "small"

Fault = Literal[
    "", "429", "500", "503", "400", "401", "404", "hang", "cut", "garbage", "truncated", "refusal", "no usage"
]

GOOD = {
    "sk": {
        "apology": "Ospravedlňujeme sa, že zásielka prišla poškodená.",
        "interest": "Záleží nám na tom, aby sme zistili, čo sa s ňou stalo.",
        "solution": "Napíšte nám, prosím, na pomoc@lipka.example a všetko s vami vyriešime.",
    },
    "cs": {
        "apology": "Omlouváme se, že zásilka dorazila poškozená.",
        "interest": "Záleží nám na tom, abychom zjistili, co se s ní stalo.",
        "solution": "Napište nám prosím na pomoc@lipka.example a vše s vámi vyřešíme.",
    },
    "hu": {
        "apology": "Elnézést kérünk, hogy a csomag sérülten érkezett.",
        "interest": "Fontos nekünk, hogy megtudjuk, mi történt vele.",
        "solution": "Kérjük, írjon nekünk a pomoc@lipka.example címre, és megoldjuk az ügyet.",
    },
    "en": {
        "apology": "We are sorry that your parcel arrived damaged.",
        "interest": "We would like to understand what happened to it.",
        "solution": "Please write to us at pomoc@lipka.example and we will put this right.",
    },
    "de": {
        "apology": "Es tut uns leid, dass Ihr Paket beschädigt angekommen ist.",
        "interest": "Wir möchten verstehen, was damit passiert ist.",
        "solution": "Bitte schreiben Sie uns an pomoc@lipka.example, wir kümmern uns um eine Lösung.",
    },
    "pl": {
        "apology": "Przepraszamy, że paczka dotarła uszkodzona.",
        "interest": "Zależy nam na tym, żeby ustalić, co się z nią stało.",
        "solution": "Prosimy napisać do nas na adres pomoc@lipka.example, a wspólnie rozwiążemy tę sprawę.",
    },
}


@dataclass
class LlmPlatform:
    """`says` makes the answer out of the whole request; `fault(request number)` chooses what goes wrong."""

    says: Callable[[Received], str] = lambda received: json.dumps(GOOD["sk"])
    fault: Callable[[int], Fault] = lambda _number: ""
    models: tuple[str, ...] = (MODEL,)
    usage: dict[str, int] = field(default_factory=lambda: {"prompt_tokens": 700, "completion_tokens": 80})
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)  # what was wrong with requests

    def __call__(self, asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != f"Bearer {KEY}":
            return _error(401, "invalid_api_key")
        if (asked.method, asked.path) == ("GET", "/v1/models"):
            listed = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.models]
            return _json({"object": "list", "data": listed})
        if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
            return _error(404, "not_found")
        return self._complete(Received.of(asked))

    def _complete(self, received: Received) -> Answer:
        if wrong := _wrong(received.body):
            self.refused.append(wrong)
            return _error(400, wrong)
        self.received.append(received)
        fault = self.fault(len(self.received))
        if fault in ("429", "500", "503", "400", "401", "404"):
            return _error(int(fault), f"{KEY} {received.system}", {"Retry-After": "120"} if fault == "429" else {})
        if fault == "hang":
            return Answer(hang=True)
        if fault == "garbage":
            return Answer(b"<html>upstream error</html>")
        if received.body["model"] not in self.models:
            return _error(404, "model_not_found")
        answer = self._completion(received, fault)
        return Answer(answer, headers={"Content-Type": "application/json"}, cut=fault == "cut")

    def _completion(self, received: Received, fault: Fault) -> bytes:
        content = self.says(received)
        message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
        if fault == "refusal":
            message |= {"content": None, "refusal": "I'm sorry, but I can't assist with that."}
        if fault == "truncated":
            message["content"] = content[: len(content) // 2]
        document: dict[str, Any] = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": received.body["model"],
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "logprobs": None,
                    "finish_reason": "length" if fault == "truncated" else "stop",
                }
            ],
        }
        if fault != "no usage":
            document["usage"] = self.usage | {"total_tokens": sum(self.usage.values())}
        return json.dumps(document).encode()


@dataclass(frozen=True)
class Received:
    body: dict[str, Any]
    key: str

    @classmethod
    def of(cls, asked: Asked) -> Received:
        return cls(json.loads(asked.body), asked.headers["Authorization"].removeprefix("Bearer "))

    @property
    def system(self) -> str:
        return str(self.body["messages"][0]["content"])

    @property
    def user(self) -> str:
        return str(self.body["messages"][1]["content"])


def _wrong(body: dict[str, Any]) -> str:
    """What OpenAI's own server would answer 400 to."""
    known = {"model", "messages", "max_tokens", "max_completion_tokens", "temperature", "stream", "response_format"}
    if strange := set(body) - known:
        return f"unknown parameter {sorted(strange)}"
    if [one["role"] for one in body["messages"]] != ["system", "user"]:
        return "roles"
    wanted = body.get("response_format")
    if wanted is None or wanted == {"type": "json_object"}:
        return "" if wanted is None or "json" in json.dumps(body["messages"]).lower() else "json is not mentioned"
    schema = wanted["json_schema"]["schema"]
    strict = wanted["json_schema"]["strict"] and schema["additionalProperties"] is False
    complete = set(schema["required"]) == set(schema["properties"])
    return "" if wanted["type"] == "json_schema" and strict and complete else "schema"


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    body = {"error": {"message": message, "type": "error", "param": None, "code": None}}
    return Answer(json.dumps(body).encode(), status, {"Content-Type": "application/json", **(headers or {})})


def _json(document: object) -> Answer:
    return Answer(json.dumps(document).encode(), headers={"Content-Type": "application/json"})
