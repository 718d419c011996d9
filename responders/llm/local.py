"""A text-generation model on this machine: a folder of the user's own, or a model that was pulled. Needs PyTorch."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.errors import ModelUnusable
from monitor.options import LlmOptions
from responders.llm.model import NotWritten, Prompt, Tokens, Written

if TYPE_CHECKING:
    from monitor.classify.huggingface import Repository

_REST = 300.0  # seconds until a model that could not be loaded is tried again


class LocalModel:
    """Same as an endpoint, on the machine's own cores or GPU. Loaded on first use, off the event loop."""

    def __init__(self, options: LlmOptions, *, base: Path, models: Path) -> None:
        """`base` is the folder of config.toml, `models` is where `ohlas models pull` keeps what it pulled."""
        self.name = Path(options.model).name
        self._options = options
        self._base = base
        self._models = models
        self._loaded: tuple[Any, Any] | None = None
        self._known = False  # whether what the folder holds is written down
        self._one_at_a_time = threading.Lock()

    async def write(self, prompt: Prompt) -> Written:
        """Raises NotWritten."""
        return await asyncio.to_thread(self._write, prompt)

    async def close(self) -> None:
        self._loaded = None

    def check(self) -> None:
        """Raises ModelUnusable where the model is not there or cannot be loaded."""
        self._load()

    def _write(self, prompt: Prompt) -> Written:
        with self._one_at_a_time:
            try:
                return self._generated(prompt)
            except ModelUnusable:
                raise NotWritten("unusable", retry_after=_REST) from None
            except (RuntimeError, ValueError, IndexError) as error:  # out of memory is a RuntimeError
                raise NotWritten("unusable", retry_after=_REST, tokens=None) from error

    def _generated(self, prompt: Prompt) -> Written:
        import torch

        words, model = self._load()
        self._remember()
        given = words(_said(words, prompt), return_tensors="pt", add_special_tokens=False).to(model.device)
        length = given["input_ids"].shape[1]
        with torch.inference_mode():
            found = model.generate(**given, **self._wishes(words), eos_token_id=sorted(_ends(words, model)))
        answer = found[0, length:]
        tokens = Tokens(length, len(answer))
        if len(answer) == 0 or int(answer[-1]) not in _ends(words, model):
            raise NotWritten("truncated", tokens=tokens)  # the tokens, or the time, ran out
        return Written(words.decode(answer, skip_special_tokens=True), tokens)

    def _wishes(self, words: Any) -> dict[str, Any]:
        options = self._options
        padding = words.pad_token_id if words.pad_token_id is not None else words.eos_token_id
        wishes = {"max_new_tokens": options.max_tokens, "max_time": options.timeout, "pad_token_id": padding}
        sampled = {"do_sample": True, "temperature": options.temperature} if options.temperature else {}
        return {**wishes, "do_sample": False, **sampled}

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            self._loaded = _opened(self._folder())
        return self._loaded

    def _folder(self) -> Path:
        from monitor.classify import huggingface

        found = self._found()
        if found.weights.engine != "torch":
            raise ModelUnusable("a model that writes needs safetensors and PyTorch: pip install -e '.[torch]'")
        huggingface.settings_of(found.folder)  # refuses code of strangers
        return found.folder

    def _found(self) -> Repository:
        """Checked byte by byte."""
        from monitor.classify import huggingface

        # "gpu" prefers safetensors, which is what can write here
        return huggingface.find(self._options.model, "", base=self._base, models=self._models, gpu=True)

    def _remember(self) -> None:
        """What a folder of the user's own holds at its first use is what it has to hold from then on."""
        if not self._known:
            from monitor.classify import huggingface

            huggingface.remember(self._found())
            self._known = True


def _opened(folder: Path) -> tuple[Any, Any]:
    try:
        import safetensors
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise ModelUnusable("it needs PyTorch, which is not installed: pip install -e '.[torch]'") from error
    ours = {"local_files_only": True, "trust_remote_code": False}
    try:
        words = AutoTokenizer.from_pretrained(folder, **ours)
        found: Any = AutoModelForCausalLM.from_pretrained(
            folder, use_safetensors=True, dtype="auto", output_loading_info=True, **ours
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, safetensors.SafetensorError) as error:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise ModelUnusable(f"{folder.name} is damaged, or is no model that writes: {first}") from error
    model, notes = found
    if notes["missing_keys"] or notes["mismatched_keys"]:
        raise ModelUnusable(f"{folder.name} is no model that writes: some of its weights are not in its files")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return words, model.to(device).eval()


def _said(words: Any, prompt: Prompt) -> str:
    """As the model's own template has it; plainly where it has none."""
    if not getattr(words, "chat_template", None):
        return f"{prompt.system}\n\n{prompt.user}\n"
    turns = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
    return str(words.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _ends(words: Any, model: Any) -> set[int]:
    """The tokens that end an answer."""
    own = model.generation_config.eos_token_id
    listed = own if isinstance(own, list) else [own]
    return {token for token in (*listed, words.eos_token_id) if token is not None}
