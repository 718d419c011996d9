"""Fetching a model from the Hugging Face hub, through its own client: only what is read, checked, resumed.

The hub's client resumes a file within one run; a run that was ended begins it anew. So the part that has come is kept
here, beside the file that it becomes, and the client is asked for the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitor.classify import huggingface
from monitor.classify.huggingface import RECORD, Record
from monitor.errors import ModelUnusable

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

_PART = ".part"


def pull(
    name: str, revision: str, models: Path, now: datetime, *, announce: Callable[[str], None], gpu: bool = False
) -> Record:
    """Fetch `name` ("organisation/name") at a branch, tag or commit ("" for the newest) into `models`.

    What is there already is not fetched again. Raises ModelUnusable where the hub does not give it, or where it holds
    nothing that can be read without running code from it.
    """
    info = _info(name, revision)
    commit = info.sha or ""
    listed = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    weights = huggingface.choose(listed, torch=huggingface.is_installed("torch"), gpu=gpu)
    wanted = [listed[file] for file in huggingface.needed(listed, weights)]
    folder = huggingface.folder_of(models, name, commit)
    size = sum(one.size or 0 for one in wanted)
    announce(f"{name} at {commit[:12]}: {len(wanted)} files, {size / 2**20:.1f} MiB, for {weights.engine}")
    for one in wanted:
        _fetch(name, commit, one, folder)
    record = Record(
        name=name,
        revision=commit,
        asked=revision or "main",
        engine=weights.engine,
        files={one.rfilename: huggingface.sha256(folder / one.rfilename) for one in wanted},
        size=size,
        pulled_at=now.isoformat(),
    )
    huggingface.settings_of(folder)
    record.write(folder / RECORD)
    return record


def _info(name: str, revision: str) -> ModelInfo:
    """What the hub says of a revision. Raises ModelUnusable, in words for the person who typed the name."""
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return HfApi().model_info(name, revision=revision or None, files_metadata=True)
    except GatedRepoError as error:
        raise ModelUnusable(
            f"{name} is given only to those who accept its terms on the hub; do so, and set HF_TOKEN"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelUnusable(f"{name} has no revision {revision}") from error
    except RepositoryNotFoundError as error:
        raise ModelUnusable(f"the hub has no model {name}, or shows it only to others (then set HF_TOKEN)") from error
    except HFValidationError as error:
        raise ModelUnusable(f'"{name}" is no name of a model; one is written like "organisation/name"') from error
    except (httpx2.HTTPError, OfflineModeIsEnabled, ValueError) as error:
        raise ModelUnusable(f"the hub cannot be asked for {name}: {_told(error)}; try again") from error


def _fetch(name: str, commit: str, one: RepoSibling, folder: Path) -> None:
    """One file, whole and with the content that the hub lists, or ModelUnusable; what came is kept for the next try."""
    path = folder / one.rfilename
    if path.is_file() and _is_listed(path, one):
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + _PART)
    _download(name, commit, one, part)
    if not _is_listed(part, one):
        part.unlink()
        raise ModelUnusable(f"{one.rfilename} did not come as the hub lists it; try again")
    part.replace(path)


def _download(name: str, commit: str, one: RepoSibling, part: Path) -> None:
    import httpx2
    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get

    url = hf_hub_url(name, one.rfilename, revision=commit)
    headers = HfApi()._build_hf_headers()
    try:
        place = get_hf_file_metadata(url).location
        if urlsplit(place).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # the token is for the hub, not for the store it refers to
        with part.open("ab") as file:
            http_get(
                place,
                file,
                resume_size=file.tell(),
                headers=headers,
                expected_size=one.size,
                displayed_filename=one.rfilename,
            )
    except (httpx2.HTTPError, OSError) as error:
        raise ModelUnusable(
            f"{one.rfilename} did not come whole: {_told(error)}. Try again; what has come is kept"
        ) from error


def _is_listed(path: Path, one: RepoSibling) -> bool:
    """Large files are listed with the SHA-256 of their content, small ones as git does it."""
    if one.size is not None and path.stat().st_size != one.size:
        return False
    if one.lfs is not None:
        return huggingface.sha256(path) == one.lfs.sha256
    content = path.read_bytes()
    mark = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return one.blob_id is None or mark == one.blob_id


def _told(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
