"""Run `simclr` (one file per command, see `verbs`) and turn errors into one sentence and an exit code."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from simclr_tui.cli.lazy_group import VerbGroup
from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.paths import config_path
from simclr_tui.text import safe
from simclr_tui.version import __version__

_EXIT_CODES = "Exit codes: " + ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in ExitCode)

app = typer.Typer(
    name="simclr",
    cls=VerbGroup,
    help="Train, monitor, compare and export SimCLR encoders from a terminal.",
    epilog=_EXIT_CODES + ".",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"simclr-tui {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train, monitor, compare and export SimCLR encoders from a terminal."""


def _take_defaults() -> None:
    """Use the configured run store where SIMCLR_RUNS is not set.

    `simclr config` skips this, so that it can repair a damaged file.
    """
    if sys.argv[1:2] != ["config"] and "SIMCLR_RUNS" not in os.environ and config_path().is_file():
        from simclr_tui.config import read_config

        store = read_config().runs
        if store:
            os.environ["SIMCLR_RUNS"] = str(Path(store).expanduser())


def main() -> None:
    """Run the console script: parse the command line, and exit with an `ExitCode`."""
    try:
        _take_defaults()
        app()
    except SimclrError as error:
        print(f"simclr: {safe(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our pipe has gone (head, less): not an error, and nothing more to print.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.OK)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        print(f"simclr: {safe(named + (error.strerror or str(error)))} — see simclr doctor", file=sys.stderr)
        sys.exit(ExitCode.FAILED)


if __name__ == "__main__":
    main()
