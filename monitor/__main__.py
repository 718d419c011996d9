"""`ohlas`, and `python -m monitor`."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper


def main() -> None:
    """Ends quietly where a person presses Ctrl-C, or where whoever reads the output has seen enough."""
    try:
        from monitor.cli import cli

        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal without "ő" shows "?" instead of a traceback
        try:
            cli(prog_name="ohlas")
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # the interpreter flushes once more at its end and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


if __name__ == "__main__":
    main()
