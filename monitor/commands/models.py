"""`ohlas models`, `ohlas models pull`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from monitor.commands.opening import Setup, now, pass_setup
from monitor.commands.terminal import echo_json, table
from monitor.errors import ModelUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.classify.huggingface import Record
    from monitor.options import Config


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the models of the Hugging Face hub that are on this machine, and what their labels are taken for.

    Ohlas judges with the model that comes with it, unless classifier.model in config.toml names another one. Such a
    model is fetched once, and judges without the network from then on.

    \b
    Examples:
      ohlas models
      ohlas models pull cardiffnlp/twitter-xlm-roberta-base-sentiment
      ohlas models pull                      the one that config.toml names
    """
    if ctx.invoked_subcommand is None:
        config = ctx.ensure_object(Setup).config_or_defaults()
        rows = [_row(folder, record) for folder, record in _pulled(config)]
        _show(rows, as_json)


@command.command()
@click.argument("name", required=False)
@click.option("--revision", default="", metavar="REVISION", help="A branch, tag or commit; by default the newest.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_setup
def pull(setup: Setup, name: str | None, revision: str, as_json: bool) -> None:
    """Fetch the model NAME ("organisation/name"), or the one that config.toml names.

    Only what is read is fetched: the ONNX file (with eight bits where there is one) or the safetensors, and the
    tokenizer. What was cut off is resumed. The commit is written down, and only its files are read. For a folder of
    your own it writes down what the folder holds now, after you changed it. HF_TOKEN opens gated models, HF_ENDPOINT
    names another hub.

    \b
    Examples:
      ohlas models pull cardiffnlp/twitter-xlm-roberta-base-sentiment
      ohlas models pull --revision refs/pr/3 organisation/name
    """
    from monitor.classify import huggingface
    from monitor.classify.choosing import models_folder

    config = setup.config_or_defaults()
    wanted = name or config.classifier.model
    if not wanted:
        raise ModelUnusable('name a model, e.g. "organisation/name", here or in classifier.model of config.toml')
    models = models_folder(config)
    folder = huggingface.local_folder(wanted, config.base)
    if folder is None:
        found = _from_hub(config, wanted, revision or ("" if name else config.classifier.revision), models)
        row = _row(huggingface.folder_of(models, found.name, found.revision), found)
    else:
        record = huggingface.described(wanted, folder)
        record.write(huggingface.first_use(models, folder))
        row = _row(folder, record)
    _show([row], as_json)


def _from_hub(config: Config, name: str, revision: str, models: Path) -> Record:
    from monitor.classify import hub, huggingface

    llm = config.drafting.llm
    # a model that writes is read from its safetensors, wherever it runs
    gpu = (llm is not None and llm.model == name) or (config.classifier.device != "cpu" and huggingface.sees_gpu())
    return hub.pull(name, revision, models, now(), announce=lambda line: click.echo(line, err=True), gpu=gpu)


def _pulled(config: Config) -> list[tuple[Path, Record]]:
    """With the folder that config.toml names, which nobody has to pull."""
    from monitor.classify import huggingface
    from monitor.classify.choosing import models_folder

    found = huggingface.pulled(models_folder(config))
    model = config.classifier.model
    folder = huggingface.local_folder(model, config.base) if model else None
    return found if folder is None else [(folder, huggingface.described(model, folder)), *found]


def _row(folder: Path, record: Record) -> dict[str, Any]:
    return {
        "name": record.name,
        "revision": record.revision,
        "asked": record.asked,
        "engine": record.engine,
        "bytes": record.size,
        "labels": _labels(folder),
        "folder": folder,
        "pulled_at": record.pulled_at,
    }


def _labels(folder: Path) -> str:
    """What they are taken for, or why they cannot be."""
    from monitor.classify import huggingface
    from monitor.classify.label_mapping import label_names, map_labels

    try:
        settings = huggingface.settings_of(folder)
        if any(str(name).endswith("ForCausalLM") for name in settings.get("architectures") or ()):
            return "none: it writes drafts (drafting.llm)"
        return map_labels(label_names(settings)).described()
    except ModelUnusable as error:
        return f"CANNOT BE USED: {error}"


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        echo_json({"models": rows})
        return
    if not rows:
        click.echo("no models; the one that comes with Ohlas judges. Fetch one: ohlas models pull NAME")
        return
    cells = [
        (row["name"], row["revision"][:12], row["engine"], f"{row['bytes'] / 2**20:.1f} MiB", row["labels"])
        for row in rows
    ]
    for line in table(("model", "revision", "runs on", "size", "labels"), cells):
        click.echo(line)
