"""Repositories of the Hugging Face hub, as they lie in a folder: which files are used, and whether they are whole."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import platform
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from monitor.errors import ModelUnusable

log = logging.getLogger(__name__)

EngineName = Literal["onnx", "torch"]
RECORD = "ohlas.json"  # beside the files of a pulled revision: what was pulled, written last
_NAME = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?", re.ASCII)
_READ = re.compile(  # beside the weights: what a tokenizer and a configuration consist of
    r"config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(txt|json)"
    r"|chat_template\.jinja|merges\.txt|bpe\.codes|(sentencepiece(\.bpe)?|spiece|tokenizer)\.model"
)
VOCABULARIES = (
    *("tokenizer.json", "sentencepiece.bpe.model", "sentencepiece.model", "spiece.model", "tokenizer.model"),
    *("vocab.txt", "vocab.json"),
)
_ONNX = re.compile(r"(onnx/)?[\w.-]+\.onnx", re.ASCII)
_SAFETENSORS = re.compile(r"model(-\d+-of-\d+)?\.safetensors(\.index\.json)?", re.ASCII)
_PICKLES = re.compile(r"[\w.-]+\.(bin|pt|pth|ckpt|pkl|pickle)", re.ASCII)
# Of several ONNX files, the first that fits: eight bits are the quickest on a CPU and lose next to nothing; four bits
# and sixteen are made for other machines.
_PREFERRED = (
    r"model_(quantized|int8|qint8|quint8|uint8)",
    r"model_(qint8|quint8|int8|uint8|quantized)_.*",
    r"model",
    r"model_(optimized|O[1-3])",
    r"(?!.*(fp16|float16|q4|bnb4|O4|merged|decoder|encoder)).*",
    r".*",
)
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, Windows' own Linux
_FOR_ARM = re.compile(r"arm|aarch|neon")


@dataclass(frozen=True, slots=True)
class Weights:
    """`files` of a repository that hold the weights; the first is the one to open."""

    engine: EngineName
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was pulled, or first used: `files` maps each path to the SHA-256 of its content; `size` is in bytes."""

    name: str
    revision: str
    asked: str  # the branch, tag or commit that a person named
    engine: EngineName
    files: Mapping[str, str]
    size: int
    pulled_at: str

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None where there is none. Raises ModelUnusable where it is damaged."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError) as error:
            raise ModelUnusable(f"{path} is damaged; delete it, and pull the model again") from error

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=1), "utf-8")
        beside.replace(path)


@dataclass(frozen=True, slots=True)
class Repository:
    """A model that is on this machine. `title` names it in verdicts, `folder` holds its files.

    `first_use` is where to write down what a folder of the user's own held; None for what was pulled.
    """

    name: str
    folder: Path
    weights: Weights
    record: Record
    first_use: Path | None = None

    @property
    def revision(self) -> str:
        return self.record.revision

    @property
    def title(self) -> str:
        return f"{self.name}@{self.revision[:12]}"


def is_installed(package: str) -> bool:
    """Without importing it."""
    return importlib.util.find_spec(package) is not None


def sees_gpu() -> bool:
    """Whether PyTorch is there and sees one; it is not imported (seconds, 200 MiB) where the kernel shows none."""
    if not is_installed("torch") or not any(Path(device).exists() for device in _GPU_DEVICES):
        return False
    import torch

    return bool(torch.cuda.is_available())


def choose(files: Collection[str], *, torch: bool, gpu: bool = False) -> Weights:
    """Which of a repository's files to read the weights from: ONNX, or safetensors on a GPU and where there is none.

    Raises ModelUnusable, saying what to do, where nothing can be read without running code from the repository.
    """
    tensors = sorted(name for name in files if _SAFETENSORS.fullmatch(name))
    # an index lists the shards; where a repository holds both, the whole file does
    whole = ["model.safetensors"] if "model.safetensors" in tensors else tensors
    graph = _best_graph(files)
    if whole and torch and (gpu or graph is None):
        return Weights("torch", tuple(whole))
    if graph is not None:
        beside = [name for name in (f"{graph}_data", f"{graph}.data") if name in files]
        return Weights("onnx", (graph, *beside))
    if whole:
        raise ModelUnusable(
            "it has no ONNX file, and its safetensors need PyTorch, which is not installed: "
            "in your copy of Ohlas: pip install -e '.[torch]'"
        )
    raise ModelUnusable(_nothing_safe(files))


def needed(files: Collection[str], weights: Weights) -> list[str]:
    """What has to be there beside the weights, and the weights; nothing else of a repository is ever read."""
    return sorted({name for name in files if _READ.fullmatch(name)} | set(weights.files))


def local_folder(model: str, base: Path) -> Path | None:
    """The folder that `classifier.model` names, relative to that of config.toml; None for a name on the hub."""
    folder = (base / Path(model).expanduser()).resolve()
    if folder.is_dir():
        return folder
    if _NAME.fullmatch(model) and not model.startswith("."):
        return None
    raise ModelUnusable(f'there is no folder {folder}, and a model on the hub is named like "organisation/name"')


def pulled(models: Path) -> list[tuple[Path, Record]]:
    """Every revision that was pulled into `models`, the newest first."""
    found = [(path.parent, record) for path in models.glob(f"*/*/{RECORD}") if (record := Record.read(path))]
    return sorted(found, key=lambda pair: pair[1].pulled_at, reverse=True)


def folder_of(models: Path, name: str, revision: str) -> Path:
    return models / name.replace("/", "--") / revision


def find(model: str, revision: str, *, base: Path, models: Path, gpu: bool = False) -> Repository:
    """The repository to load, checked byte by byte against what was pulled or first used.

    `model` and `revision` are those of config.toml, `models` is where `ohlas models pull` keeps what it pulled.
    Raises ModelUnusable.
    """
    folder = local_folder(model, base)
    if folder is None:
        return _pulled_repository(model, revision, models, gpu)
    return _local_repository(model, folder, revision, models, gpu)


def _pulled_repository(model: str, revision: str, models: Path, gpu: bool) -> Repository:
    mine = [pair for pair in pulled(models) if pair[1].name == model]
    fitting = [pair for pair in mine if not revision or _is_revision(pair[1], revision)]
    if not fitting:
        named = f" --revision {revision}" if revision else ""
        raise ModelUnusable(f"{model} is not on this machine; fetch it once with: ohlas models pull {model}{named}")
    folder, record = fitting[0]
    _verify(folder, record, f"ohlas models pull {model} --revision {record.revision}")
    weights = choose(record.files, torch=is_installed("torch"), gpu=gpu)
    return Repository(model, folder, weights, record)


def _is_revision(record: Record, revision: str) -> bool:
    return revision == record.asked or (len(revision) >= 7 and record.revision.startswith(revision))


def _local_repository(model: str, folder: Path, revision: str, models: Path, gpu: bool) -> Repository:
    record = described(model, folder, gpu)
    first = Record.read(first_use(models, folder))
    if revision and not record.revision.startswith(revision):
        raise ModelUnusable(
            f"the files in {folder} are revision {record.revision[:12]}, but classifier.revision says {revision}"
        )
    if not revision and first is not None and first.revision != record.revision:
        changed = sorted(
            name for name in {*first.files, *record.files} if first.files.get(name) != record.files.get(name)
        )
        raise ModelUnusable(
            f"the files in {folder} are not those that were first used ({', '.join(changed)}). If you changed them "
            f"yourself: ohlas models pull {model}"
        )
    weights = Weights(record.engine, _weights_of(record))
    return Repository(folder.name, folder, weights, record, None if first else first_use(models, folder))


def remember(repository: Repository) -> None:
    """From now on a folder of the user's own has to hold what it holds now; see `find`."""
    if repository.first_use is None:
        return
    try:
        repository.record.write(repository.first_use)
    except OSError as error:  # the model works all the same
        log.warning("what %s holds cannot be written down: %s", repository.folder, error.strerror)


def _weights_of(record: Record) -> tuple[str, ...]:
    return choose(record.files, torch=True, gpu=record.engine == "torch").files


def described(model: str, folder: Path, gpu: bool = False) -> Record:
    """What a folder holds; its revision is made of the content of its files. Raises ModelUnusable."""
    files = sorted(_files(folder))
    weights = choose(files, torch=is_installed("torch"), gpu=gpu)
    used = needed(files, weights)
    marks = {name: sha256(folder / name) for name in used}
    whole = hashlib.sha256("\n".join(f"{marks[name]} {name}" for name in used).encode()).hexdigest()
    size = sum((folder / name).stat().st_size for name in used)
    return Record(
        name=model, revision=whole[:40], asked="", engine=weights.engine, files=marks, size=size, pulled_at=""
    )


def first_use(models: Path, folder: Path) -> Path:
    """Where is kept what a folder of the user's own held when it was first used."""
    return models / "folders" / f"{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}.json"


def sha256(path: Path) -> str:
    """Raises ModelUnusable where the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read: {error.strerror}") from error


def _verify(folder: Path, record: Record, mend: str) -> None:
    for name, mark in record.files.items():
        path = folder / name
        if not path.is_file():
            raise ModelUnusable(f"{path} is missing; fetch it again with: {mend}")
        if sha256(path) != mark:
            raise ModelUnusable(f"{path} is damaged; delete it and fetch it again with: {mend}")


def _files(folder: Path) -> Iterator[str]:
    """Of the folder itself and of onnx/ in it."""
    for pattern in ("*", "onnx/*"):
        yield from (str(path.relative_to(folder).as_posix()) for path in folder.glob(pattern) if path.is_file())


def _best_graph(files: Collection[str]) -> str | None:
    graphs = [name for name in files if _ONNX.fullmatch(name)]
    return min(graphs, key=_rank, default=None)


def _rank(name: str) -> tuple[int, bool, str]:
    stem = name.removeprefix("onnx/").removesuffix(".onnx")
    place = next(place for place, pattern in enumerate(_PREFERRED) if re.fullmatch(pattern, stem))
    on_arm = platform.machine().lower().startswith(("arm", "aarch"))
    return place, bool(_FOR_ARM.search(stem)) != on_arm, name


def _nothing_safe(files: Collection[str]) -> str:
    if pickles := sorted(name for name in files if _PICKLES.fullmatch(name)):
        return (
            f"it holds its weights only as {pickles[0]}, a format that can run strangers' code when it is read. Ohlas "
            "reads ONNX and safetensors: look on the hub for a revision that has them (often refs/pr/1), or convert it"
        )
    return "it holds neither an ONNX file nor safetensors, so it is no model that Ohlas can read"


def settings_of(folder: Path) -> dict[str, Any]:
    """config.json of a repository. Raises ModelUnusable where it is missing or damaged, or where it asks for code."""
    path = folder / "config.json"
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnusable(f"{path} is missing or damaged") from error
    if not isinstance(found, dict):
        raise ModelUnusable(f"{path} is damaged")
    if "auto_map" in found:
        raise ModelUnusable(
            "it needs code from its repository to run, and Ohlas runs no code of strangers; choose another model"
        )
    return found
