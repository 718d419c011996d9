"""The file that a trained classifier is kept in."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from monitor.classify.features import BUCKETS
from monitor.errors import ModelUnusable
from monitor.model import LABELS

FORMAT = 3  # raised when features change, since weights fit only the features they were learned from
SHIPPED = Path(__file__).with_name("model.npz")
LEANING = 2  # labels that are weighed against the last one, neutral
CLIPPED = 0.99999  # share of weights that keep their value; the few beyond are clipped


@dataclass(frozen=True, slots=True)
class ModelFile:
    """`weights` says how much more a bucket speaks for complaint and for praise than for neutral, to be multiplied by
    `scale`: one row each, one column a bucket. Bucket 0 weighs nothing. `bias` has one entry a label.

    `temperatures` maps a language to what its logits are divided by; "" stands for every other language.
    """

    weights: NDArray[np.int8]
    scale: float
    bias: NDArray[np.float32]
    temperatures: Mapping[str, float]

    @classmethod
    def rounded(
        cls, weights: NDArray[np.float32], bias: NDArray[np.float32], temperatures: Mapping[str, float]
    ) -> Self:
        """From exact weights, one row a bucket and one column a label."""
        beyond_neutral = (weights[:, :LEANING] - weights[:, LEANING:]).T
        beyond_neutral[:, 0] = 0
        used = np.abs(beyond_neutral[beyond_neutral != 0])
        scale = float(np.quantile(used, CLIPPED)) / 127 if len(used) else 1.0
        rounded = np.clip(np.rint(beyond_neutral / scale), -127, 127).astype(np.int8)
        return cls(np.ascontiguousarray(rounded), scale, bias - bias.mean(), dict(temperatures))

    def save(self, path: Path) -> None:
        header = {"format": FORMAT, "scale": self.scale, "temperatures": dict(sorted(self.temperatures.items()))}
        text = np.frombuffer(json.dumps(header).encode(), np.uint8)
        np.savez(path, header=text, weights=self.weights, bias=self.bias.astype(np.float32))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises ModelUnusable where the file is missing, damaged, or made for other features."""
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                weights, bias = file["weights"], file["bias"]
            model = cls(weights, float(header["scale"]), bias, dict(header["temperatures"]))
            usable = header["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelUnusable(
                f"The model {path.name} is missing or damaged; reinstall Ohlas or train it again."
            ) from error
        if not usable or not model._fits():
            raise ModelUnusable(f"The model {path.name} was made for another version of Ohlas; train it again.")
        return model

    def _fits(self) -> bool:
        return (
            self.weights.shape == (LEANING, BUCKETS)
            and self.weights.dtype == np.int8
            and self.bias.shape == (len(LABELS),)
            and bool(np.isfinite(self.bias).all())
            and self.scale > 0
            and "" in self.temperatures
        )
