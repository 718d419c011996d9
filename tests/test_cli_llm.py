"""`ohlas check` asks the language model's endpoint, and tells nobody the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.llm_platform import KEY, LlmPlatform
from tests.loopback import Loopback
from tests.terminal import CONFIG, process, shop

LLM = """
[drafting.llm]
endpoint = "{endpoint}"
model = "{model}"
api_key = "$LLM_API_KEY"
"""


@pytest.mark.parametrize(
    ("model", "models", "key", "status", "said"),
    [
        ("small", ("small", "large"), KEY, 0, "ok"),
        ("qwen3", ("qwen3:latest",), KEY, 0, "ok"),
        ("small", (), KEY, 0, "does not say which models it has"),
        ("tiny", ("small", "large"), KEY, 1, "has no model tiny; it has large, small"),
        ("small", ("small",), "sk-another-0123456789", 1, "refuses the key"),
    ],
)
async def test_check_asks_for_the_model(
    tmp_path: Path, model: str, models: tuple[str, ...], key: str, status: int, said: str
) -> None:
    async with Loopback(LlmPlatform(models=models)) as server:
        shop(tmp_path, CONFIG + LLM.format(endpoint=server.url("/v1"), model=model))
        code, out, err = await process(tmp_path, "check", LLM_API_KEY=key)
        assert code == status and said in out + err
        assert key not in out + err
        assert [asked.method for asked in server.asked] == ["GET"], "checking writes nothing"
        code, out, err = await process(tmp_path, "check", "--json", LLM_API_KEY=key)
        found = json.loads(out)
        assert (code, found["ok"]) == (status, status == 0) and key not in out + err
        assert bool(found["language_model"]["problem"]) == bool(status)


async def test_a_wrong_address_and_silence(tmp_path: Path, server: Loopback) -> None:
    shop(tmp_path, CONFIG + LLM.format(endpoint=server.url("/v2"), model="small"))
    server.answer = LlmPlatform()
    code, out, _ = await process(tmp_path, "check", LLM_API_KEY=KEY)
    assert code == 1 and "often ends in /v1" in out
    shop(tmp_path, CONFIG + LLM.format(endpoint="http://127.0.0.1:9/v1", model="small"))
    code, out, err = await process(tmp_path, "check", LLM_API_KEY=KEY)
    assert code == 1 and "cannot be reached" in out and KEY not in out + err
    code, out, _ = await process(tmp_path, "check", "--offline", LLM_API_KEY=KEY)
    assert code == 0
