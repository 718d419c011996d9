"""The engine for repositories that have safetensors only: PyTorch, on a GPU where it sees one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelUnusable

Floats = NDArray[np.float32]


class TorchEngine:
    """Numbers of tokens in, logits out, on `threads` cores or on the GPU."""

    def __init__(self, folder: Path, *, device: str = "auto", threads: int = 1) -> None:
        """Raises ModelUnusable."""
        try:
            import torch
        except ImportError as error:
            raise ModelUnusable("it needs PyTorch, which is not installed: pip install -e '.[torch]'") from error
        if device == "cuda" and not torch.cuda.is_available():
            raise ModelUnusable('classifier.device is "cuda", but PyTorch sees no GPU')
        self.device = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
        self._threads = threads
        self._torch = torch
        self._model = _loaded(folder).to(self.device).eval()
        self._takes_types = getattr(self._model.config, "type_vocab_size", 0) > 1

    @property
    def padding(self) -> int:
        """Tokens of it that cost about as much as one more call; a GPU takes as long for few as for many."""
        return 256 if self.device.type == "cpu" else 4096

    def logits(self, columns: Mapping[str, NDArray[np.int64]]) -> Floats:
        """`columns` as `padded` makes them; one row a text. Raises ModelUnusable."""
        return self._run(columns, states=False)[0]

    def seen(self, columns: Mapping[str, NDArray[np.int64]]) -> tuple[Floats, Floats | None]:
        """Logits, and the mean state of each text's tokens in the last layer; None where the model gives none."""
        return self._run(columns, states=True)

    def _run(self, columns: Mapping[str, NDArray[np.int64]], *, states: bool) -> tuple[Floats, Floats | None]:
        torch = self._torch
        wanted = {name: column for name, column in columns.items() if name != "token_type_ids" or self._takes_types}
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)  # belongs to the calling thread, not to the process
        try:
            with torch.inference_mode():
                tensors = {name: torch.from_numpy(column).to(self.device) for name, column in wanted.items()}
                found = self._model(**tensors, **({"output_hidden_states": True} if states else {}))
                return _numbers(found.logits), _pooled(found, tensors["attention_mask"]) if states else None
        except (RuntimeError, IndexError, ValueError) as error:  # out of memory is a RuntimeError
            raise ModelUnusable(f"PyTorch failed to run it: {str(error).splitlines()[0][:200]}") from error


def _numbers(tensor: Any) -> Floats:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)


def _pooled(found: Any, mask: Any) -> Floats | None:
    """The mean over each text's tokens, taken where the model is: what it sees of each token would be much to move."""
    layers = getattr(found, "hidden_states", None) or (getattr(found, "encoder_last_hidden_state", None),)
    states = layers[-1]
    if states is None or tuple(states.shape[:2]) != tuple(mask.shape):
        return None
    counted = mask.unsqueeze(-1).to(states.dtype)
    return _numbers((states * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1))


def _loaded(folder: Path) -> Any:
    """Raises ModelUnusable where weights are missing: transformers would make them up."""
    import safetensors
    import torch
    from transformers import AutoModelForSequenceClassification

    try:
        model, notes = AutoModelForSequenceClassification.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, safetensors.SafetensorError) as error:
        raise ModelUnusable(f"its weights are damaged, or of another kind: {_first_line(error)}") from error
    if missing := [*notes["missing_keys"], *notes["mismatched_keys"]]:
        raise ModelUnusable(f"it was not trained to classify texts: weights such as {missing[0]} are not in its files")
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
