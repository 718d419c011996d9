"""Any OpenAI-compatible endpoint: POST /chat/completions, one request for one draft, never repeated."""

from __future__ import annotations

import json
from typing import Any

from yarl import URL

from monitor.errors import AuthError, NotFound, OutcomeUnknown, PermanentError, SourceError, TemporaryError
from monitor.http import Http, Response
from monitor.options import LlmOptions
from responders.llm.model import NotWritten, Prompt, Tokens, Written

_EVERYWHERE = ("0.0.0.0/0", "::/0")  # whoever runs Ohlas names this address himself; strangers cannot
_LARGEST = 2 * 2**20  # bytes of an answer
_REST = 30.0  # seconds until an endpoint that could not answer is asked again
_BYTES_A_TOKEN = 3  # where the endpoint does not count; rather too many tokens than too few


class Endpoint:
    """`async with Endpoint(options) as model`. Keys stay in the header and out of every message."""

    def __init__(self, options: LlmOptions) -> None:
        self.name = options.model
        self._options = options
        self._http = Http(allow_private=_EVERYWHERE, total=options.timeout, max_body=_LARGEST, per_host=2)
        self._opened = False

    async def write(self, prompt: Prompt) -> Written:
        """Raises NotWritten."""
        body = json.dumps(self._request(prompt), ensure_ascii=False).encode("utf-8", "replace")
        try:
            response = await (await self._open()).send(
                "POST", self._url("chat/completions"), headers=self._headers(), body=body
            )
        except SourceError as error:
            raise _not_written(error) from None
        return _read(response, prompt)

    async def models(self) -> list[str]:
        """The names that the endpoint knows. Raises SourceError; its words name no key."""
        response = await (await self._open()).get(self._url("models"), headers=self._headers())
        listed = response.json()
        found = listed.get("data") if isinstance(listed, dict) else None
        if not isinstance(found, list):
            raise PermanentError("it does not list its models as OpenAI's interface does; check the address")
        return [one["id"] for one in found if isinstance(one, dict) and isinstance(one.get("id"), str)]

    async def close(self) -> None:
        if self._opened:
            self._opened = False
            await self._http.__aexit__(None, None, None)

    async def _open(self) -> Http:
        if not self._opened:
            await self._http.__aenter__()
            self._opened = True
        return self._http

    def _url(self, path: str) -> str:
        return f"{self._options.endpoint.strip().rstrip('/')}/{path}"

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._options.api_key is not None:
            headers["Authorization"] = f"Bearer {self._options.api_key.get_secret_value()}"
        return headers

    def _request(self, prompt: Prompt) -> dict[str, Any]:
        options = self._options
        # OpenAI's own newer models refuse the older word, the other servers do not know the newer one
        limit = "max_completion_tokens" if URL(options.endpoint).host == "api.openai.com" else "max_tokens"
        request: dict[str, Any] = {
            "model": options.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            limit: options.max_tokens,
            "temperature": options.temperature,
            "stream": False,
        }
        if options.structured == "json_schema":
            wanted = {"name": "reply", "strict": True, "schema": prompt.schema}
            request["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif options.structured == "json_object":
            request["response_format"] = {"type": "json_object"}
        return request


def _not_written(error: SourceError) -> NotWritten:
    """What the endpoint says stays out of it: its words are not ours."""
    match error:
        case OutcomeUnknown():  # it may have written, and charged, all the same
            return NotWritten("timeout" if "within" in str(error) else "unreachable", retry_after=_REST, tokens=None)
        case AuthError():
            return NotWritten("no_access", retry_after=10 * _REST)
        case TemporaryError(retry_after=wait) if "answers 429" in str(error):
            return NotWritten("busy", retry_after=_REST if wait is None else wait)
        case TemporaryError():
            return NotWritten("unreachable", retry_after=_REST)
        case NotFound():
            return NotWritten("no_model", retry_after=10 * _REST)
        case _:
            return NotWritten("rejected")


def _read(response: Response, prompt: Prompt) -> Written:
    """Raises NotWritten with the tokens that it took."""
    try:
        answer = response.json()
        [choice, *_] = answer["choices"]
        message, finish = choice["message"], choice.get("finish_reason")
        content, refusal = message.get("content"), message.get("refusal")
    except (SourceError, LookupError, TypeError, ValueError, AttributeError):
        raise NotWritten("nonsense", tokens=None) from None
    tokens = _tokens(answer.get("usage"), prompt, content)
    if refusal or finish == "content_filter":
        raise NotWritten("refused", tokens=tokens)
    if finish == "length":
        raise NotWritten("truncated", tokens=tokens)
    if not isinstance(content, str):
        raise NotWritten("nonsense", tokens=tokens)
    return Written(content, tokens)


def _tokens(usage: object, prompt: Prompt, content: object) -> Tokens:
    """As the endpoint counts them, else our own guess."""
    guessed = prompt.size // _BYTES_A_TOKEN + 1, len(str(content).encode("utf-8", "replace")) // _BYTES_A_TOKEN + 1
    counted = usage if isinstance(usage, dict) else {}
    read, written = (
        value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else guess
        for value, guess in zip((counted.get("prompt_tokens"), counted.get("completion_tokens")), guessed, strict=True)
    )
    return Tokens(read, written)
