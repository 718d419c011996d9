"""A model that writes on this machine: a real one of transformers, whose weights say one thing whatever it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.errors import ModelUnusable
from monitor.options import LlmOptions
from responders.llm.local import LocalModel
from responders.llm.model import NotWritten, Prompt
from tests.hub import Hub
from tests.llm_platform import GOOD
from tests.terminal import CONFIG, answer, ohlas, process, shop
from tests.tiny_models import NEEDS_TORCH
from tests.writing_place import WritingPlace

SAID = json.dumps(GOOD["sk"], ensure_ascii=False)
PROMPT = Prompt(system="Write.", user="Now.", schema={}, rules="Write.", fence="=")


def parrot(folder: Path, said: str = SAID, *, ends: bool = True) -> Path:
    """Llama in small, without attention: each token is followed by one certain other."""
    torch = pytest.importorskip("torch", reason=NEEDS_TORCH)
    from transformers import LlamaConfig, LlamaForCausalLM

    words = tokenizer(folder, said)
    size = len(words)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=size + size % 2,
        intermediate_size=2,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=8192,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    first, last = words.convert_tokens_to_ids("<go>"), words.eos_token_id
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.model.norm.weight.fill_(1.0)
        for token in range(size):
            model.model.embed_tokens.weight[token, token] = 1.0
            after = token + 1 if ends or token + 1 != last else first + 1
            model.lm_head.weight[after % size, token] = 1.0
    model.save_pretrained(folder)
    return folder


def tokenizer(folder: Path, said: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = [said[at : at + 9] for at in range(0, len(said), 9)]
    assert len(set(pieces)) == len(pieces)
    vocabulary = ["<unk>", "<pad>", "<go>", *pieces, "</s>"]
    built = Tokenizer(models.WordLevel({piece: at for at, piece in enumerate(vocabulary)}, unk_token="<unk>"))
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    built.decoder = decoders.Fuse()
    words = PreTrainedTokenizerFast(
        tokenizer_object=built,
        unk_token="<unk>",
        pad_token="<pad>",
        eos_token="</s>",
        additional_special_tokens=["<go>"],
        model_input_names=["input_ids", "attention_mask"],
    )
    words.chat_template = "{% for turn in messages %}{{ turn['content'] }}\n{% endfor %}<go>"
    folder.mkdir(parents=True, exist_ok=True)
    words.save_pretrained(folder)
    return words


def local(folder: Path, **changes: Any) -> LocalModel:
    options = LlmOptions(model=str(folder), temperature=0.0, **changes)
    return LocalModel(options, base=folder.parent, models=folder.parent / "models")


async def test_it_drafts_as_an_endpoint_does(tmp_path: Path) -> None:
    parrot(tmp_path / "parrot")
    options = {"endpoint": "", "model": str(tmp_path / "parrot"), "temperature": 0.0}
    async with WritingPlace(tmp_path, options=options) as place:
        await place.draft()
        [draft] = await place.write()
        assert (draft.author, draft.rev, draft.findings) == ("llm:parrot", 2, ())
        assert GOOD["sk"]["interest"] in draft.text
        read, written = place.store.llm_use.of_day("2026-11-21").tokens
        assert read > 100 and written > 10
        assert not place.platform.received
        assert list((tmp_path / "models" / "folders").glob("*.json")), "what it held at first use is written down"


async def test_what_never_ends_is_cut_off_and_refused(tmp_path: Path) -> None:
    model = local(parrot(tmp_path / "parrot", ends=False), max_tokens=60)
    with pytest.raises(NotWritten) as refused:
        await model.write(PROMPT)
    assert refused.value.code == "truncated" and refused.value.tokens is not None
    assert refused.value.tokens.written == 60
    await model.close()


async def test_sampling_writes_too(tmp_path: Path) -> None:
    folder = parrot(tmp_path / "parrot")
    model = LocalModel(LlmOptions(model=str(folder), temperature=0.05), base=tmp_path, models=tmp_path / "models")
    assert json.loads((await model.write(PROMPT)).content) == GOOD["sk"]


async def test_a_model_that_is_not_there_leaves_the_playbooks_text(tmp_path: Path) -> None:
    async with WritingPlace(tmp_path, options={"endpoint": "", "model": "nobody/nothing"}) as place:
        await place.draft()
        [draft] = await place.write()
        assert (draft.author, draft.model_note) == ("playbook", "unusable")
        assert place.store.llm_use.of_day("2026-11-21").tokens == (0, 0)


def test_damaged_and_strange_models_are_named(tmp_path: Path) -> None:
    folder = parrot(tmp_path / "parrot")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {"auto_map": {"AutoModelForCausalLM": "evil.Evil"}}))
    with pytest.raises(ModelUnusable, match="code of strangers"):
        local(folder).check()
    (folder / "config.json").write_text(json.dumps(settings | {"hidden_size": 4}))
    with pytest.raises(ModelUnusable, match=r"damaged|weights"):
        local(folder).check()


def test_check_loads_it_and_saves_nothing(tmp_path: Path) -> None:
    parrot(tmp_path / "parrot")
    config = shop(tmp_path, f'{CONFIG}\n[drafting.llm]\nmodel = "parrot"\n')
    found = answer("check", "--offline", "--json", config=config)["language_model"]
    assert (found["model"], found["endpoint"], found["problem"]) == ("parrot", "", "")
    assert not (tmp_path / "state").exists()
    config = shop(tmp_path, f'{CONFIG}\n[drafting.llm]\nmodel = "organisation/none"\n')
    result = ohlas("check", "--offline", config=config)
    assert result.exit_code == 1 and "ohlas models pull organisation/none" in result.output


async def test_a_pulled_model_writes(tmp_path: Path) -> None:
    published = parrot(tmp_path / "published")
    (published / "onnx").mkdir()
    (published / "onnx" / "model_quantized.onnx").write_bytes(b"for another machine")
    (tmp_path / "config.toml").write_text('[drafting.llm]\nmodel = "shop/parrot"\n')
    with Hub({"shop/parrot": published}) as hub:
        home = {"HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.origin, "HF_HUB_DISABLE_TELEMETRY": "1"}
        status, out, err = await process(tmp_path, "models", "pull", "shop/parrot", **home)
    assert status == 0 and "it writes drafts" in out, err
    assert "model.safetensors" in hub.fetched() and "chat_template.jinja" in hub.fetched()
    options = LlmOptions(model="shop/parrot", temperature=0.0)
    model = LocalModel(options, base=tmp_path, models=tmp_path / "state" / "models")
    assert model.name == "parrot" and json.loads((await model.write(PROMPT)).content) == GOOD["sk"]
