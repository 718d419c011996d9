"""The engine for repositories with an ONNX file."""

from __future__ import annotations

import logging
import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.classify import onnx_graph
from monitor.classify.batching import pooled
from monitor.errors import ModelUnusable

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]

_STATES = ("last_hidden_state", "hidden_states", "encoder_last_hidden_state")  # what exporters call them
_TRIED = (2, 3)  # texts and tokens, to see which tensor has a state for each


class OnnxEngine:
    """Numbers of tokens in, logits out, on `threads` cores. Only one thread at a time may use it."""

    def __init__(self, path: Path, *, device: str = "auto", threads: int = 1) -> None:
        """Raises ModelUnusable."""
        try:
            import onnxruntime
        except ImportError as error:
            raise ModelUnusable("it needs onnxruntime, which is not installed: pip install onnxruntime") from error
        self._path, self._threads = path, threads
        self._providers = _providers(onnxruntime.get_available_providers(), device)
        self._errors = _errors()
        self._session = self._opened(str(path))
        self._types = {one.name: np.int32 if "int32" in one.type else np.int64 for one in self._session.get_inputs()}
        self._output = _logits_of(self._outputs())
        self._states: str | None = None
        self._looked = False  # for the states, which takes time and is not needed before something is learned

    @property
    def padding(self) -> int:
        """Tokens of it that cost about as much as one more call."""
        return 64 if self._providers[0] == "CPUExecutionProvider" else 4096

    def logits(self, columns: Mapping[str, NDArray[np.int64]]) -> Floats:
        """`columns` as `padded` makes them; one row a text. Raises ModelUnusable."""
        (found,) = self._run([self._output], columns)
        return np.asarray(found, np.float32)

    def seen(self, columns: Mapping[str, NDArray[np.int64]]) -> tuple[Floats, Floats | None]:
        """Logits, and the mean state of each text's tokens in the last layer; None where the file gives none."""
        if not self._looked:
            self._looked = True
            self._states = self._find_states()
        if self._states is None:
            return self.logits(columns), None
        logits, states = self._run([self._output, self._states], columns)
        return np.asarray(logits, np.float32), pooled(states, columns["attention_mask"])

    def _run(self, outputs: Sequence[str], columns: Mapping[str, NDArray[np.int64]]) -> list[Any]:
        if strange := self._types.keys() - columns.keys():
            raise ModelUnusable(f"it asks for {', '.join(sorted(strange))}, so it is no model that classifies texts")
        wanted = {name: columns[name].astype(kind, copy=False) for name, kind in self._types.items()}
        try:
            return list(self._session.run(list(outputs), wanted))
        except self._errors as error:
            raise ModelUnusable("onnxruntime failed to run it") from error

    def _opened(self, model: str | bytes) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what it has to say comes as an exception
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # an idle service takes no core
        folder = str(self._path.parent)  # weights beside the file are looked for here, also where it comes as bytes
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        try:
            return onnxruntime.InferenceSession(model, options, providers=self._providers)
        except self._errors as error:
            raise ModelUnusable(f"{self._path} is damaged, or no model that onnxruntime can run") from error

    def _outputs(self) -> list[str]:
        return [one.name for one in self._session.get_outputs()]

    def _find_states(self) -> str | None:
        """The output that holds the states; opens the model anew where they are no output yet."""
        named = [name for name in _STATES if name in self._outputs()]
        if not named:
            named = self._open_with_states()
        return next((name for name in named if self._are_states(name)), None)

    def _open_with_states(self) -> list[str]:
        self._session = None  # two at once would take twice the memory
        try:
            with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                with memoryview(content) as view:
                    names = onnx_graph.candidates(view, self._output)
                whole = b"".join((content, onnx_graph.more_outputs(names)))
            self._session = self._opened(whole)
        except (OSError, ValueError, ModelUnusable) as error:
            log.info("%s does not give its states: %s", self._path, error)
            self._session, names = self._opened(str(self._path)), []
        return names

    def _are_states(self, name: str) -> bool:
        """One row of numbers for each token, and not those that each token says of the labels."""
        ones = np.ones(_TRIED, np.int64)
        columns = {"input_ids": 0 * ones, "attention_mask": ones, "token_type_ids": 0 * ones}
        try:
            logits, found = self._run([self._output, name], columns)
        except ModelUnusable:
            return False
        return bool(found.ndim == 3 and found.shape[:2] == _TRIED and found.shape[2] > logits.shape[-1])


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
