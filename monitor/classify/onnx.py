"""The engine for repositories with an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelUnusable

Floats = NDArray[np.float32]


class OnnxEngine:
    """Numbers of tokens in, logits out, on `threads` cores."""

    def __init__(self, path: Path, *, device: str = "auto", threads: int = 1) -> None:
        """Raises ModelUnusable."""
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelUnusable("it needs onnxruntime, which is not installed: pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what it has to say comes as an exception
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # an idle service takes no core
        self._errors = _errors()
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=_providers(onnxruntime.get_available_providers(), device)
            )
        except self._errors as error:
            raise ModelUnusable(f"{path} is damaged, or no model that onnxruntime can run") from error
        self._types = {one.name: np.int32 if "int32" in one.type else np.int64 for one in self._session.get_inputs()}
        self._output = _logits_of([one.name for one in self._session.get_outputs()])

    def logits(self, columns: Mapping[str, NDArray[np.int64]]) -> Floats:
        """`columns` as `padded` makes them; one row a text. Raises ModelUnusable."""
        if strange := self._types.keys() - columns.keys():
            raise ModelUnusable(f"it asks for {', '.join(sorted(strange))}, so it is no model that classifies texts")
        wanted = {name: columns[name].astype(kind, copy=False) for name, kind in self._types.items()}
        try:
            (found,) = self._session.run([self._output], wanted)
        except self._errors as error:
            raise ModelUnusable("onnxruntime failed to run it") from error
        return np.asarray(found, np.float32)


def _errors() -> tuple[type[Exception], ...]:
    """onnxruntime has a dozen exceptions without a common base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    named: list[Any] = [getattr(state, name) for name in dir(state)]
    found = [one for one in named if isinstance(one, type) and issubclass(one, Exception)]
    return (*found, RuntimeError, ValueError, OSError)


def _providers(available: list[str], device: str) -> list[str]:
    gpu = [name for name in ("CUDAExecutionProvider",) if name in available and device != "cpu"]
    return [*gpu, "CPUExecutionProvider"]


def _logits_of(outputs: list[str]) -> str:
    return "logits" if "logits" in outputs else outputs[0]
