"""`ohlas new-connector NAME`"""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import click

from monitor.errors import OhlasError

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


@click.command()
@click.argument("name")
def command(name: str) -> None:
    """Write a connector to start from, with its test: connectors/NAME.py and tests/test_connectors_NAME.py.

    It reads a list of reviews as JSON and passes the contract suite as it is. Change it into what your source needs;
    README.md, "Add a connector", says what else it may do.

    \b
    Examples:
      ohlas new-connector guestbook
    """
    import connectors

    if not _NAME.fullmatch(name):
        raise OhlasError("a connector's name has small letters without accents, digits and _, and begins with a letter")
    if keyword.iskeyword(name):
        raise OhlasError(f"{name} is a word of Python's own, which no module can have for a name; choose another one")
    [folder] = (Path(path) for path in connectors.__path__)
    files = {folder / f"{name}.py": "new_connector.txt"}
    if (folder.parent / "tests" / "contract.py").is_file():
        files[folder.parent / "tests" / f"test_connectors_{name}.py"] = "new_connector_test.txt"
    if taken := [path.name for path in files if path.exists()]:
        raise OhlasError(f"{' and '.join(taken)} exist already; choose another name")
    for path, template in files.items():
        path.write_text(_filled((folder / template).read_text("utf-8"), name), encoding="utf-8")
        click.echo(f"written: {path}")
    click.echo(
        f'Next: pytest tests/test_connectors_{name}.py, which passes; then README.md, "Add a connector", says how on.'
    )


def _filled(template: str, name: str) -> str:
    words = "".join(part.capitalize() for part in name.split("_"))
    return (
        template.replace("CLASS", words)
        .replace("KIND", name)
        .replace("NAME, read", f"{words}, read")
        .replace("NAME answers", f"{words} answers")
        .replace("connector of NAME", f"connector of {words}")
    )
