"""Run `simclr` (one file per command, see `verbs`) and turn errors into one sentence and an exit code."""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated, Any

import typer

from simclr_tui.cli import streams
from simclr_tui.cli.lazy_group import VerbGroup
from simclr_tui.cli.verbs import VERBS
from simclr_tui.errors import ExitCode, RecipeError, SimclrError, StoreError
from simclr_tui.paths import config_path, expand_user
from simclr_tui.text import did_you_mean
from simclr_tui.version import __version__

# Typer keeps the base class of all errors of a command line to itself.
_ClickError: Any = typer.BadParameter.__mro__[2]
# `name=value` where a command or an argument is expected.
_ASSIGNED = re.compile(r"(?:No such command '|Got unexpected extra argument\(s\) \()([a-z][\w-]*)=([^\s')]+)")
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
        streams.write(f"simclr-tui {__version__}")
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
    if sys.argv[1:2] != ["config"] and "SIMCLR_RUNS" not in os.environ and _has_config():
        from simclr_tui.config import read_config

        store = read_config().runs
        if store:
            os.environ["SIMCLR_RUNS"] = str(expand_user(store))


def _has_config() -> bool:
    try:
        return config_path().is_file()
    except StoreError:  # no home folder
        return False


def main() -> None:
    """Run the console script: parse the command line, and exit with an `ExitCode`."""
    streams.prepare()
    try:
        code = _run()
        streams.flush()
    except streams.PipeClosed:  # the reader has gone, as `head` does: not an error, and nothing more to print
        code = ExitCode.OK
    except OSError as error:
        code = _say(f"cannot write: {error.strerror or error}", ExitCode.FAILED)
    streams.silence()
    sys.exit(code)


def _run() -> int:
    """Run the command and return its exit code; every expected error has become one sentence."""
    try:
        _take_defaults()
        ended = app(standalone_mode=False)  # the exit code of a command that raised typer.Exit, else None
        return ended if isinstance(ended, int) else ExitCode.OK
    except SimclrError as error:
        return _say(str(error), error.exit_code)
    except _ClickError as error:
        return _usage(error)
    except typer.Abort:
        return _say("cancelled; nothing was changed", ExitCode.FAILED)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        return _say(f"{named}{error.strerror or error} — see simclr doctor", ExitCode.FAILED)


def _say(sentence: str, code: ExitCode) -> ExitCode:
    streams.write(f"simclr: {sentence}".replace("\n", " "), err=True)
    return code


def _usage(error: Any) -> ExitCode:
    """Print in one sentence what is wrong with the command line."""
    context = error.ctx
    if type(error).__name__ == "NoArgsIsHelpError":  # there was no command: the help page has been printed instead
        return ExitCode.USAGE
    command = context.command_path if context is not None else "simclr"
    message = error.format_message().rstrip(".")
    guess = did_you_mean(message.split("'")[1], VERBS) if message.startswith("No such command") else ""
    if typed := _ASSIGNED.match(message):
        guess = _as_option(typed[1], typed[2])
    return _say(f"{message} — {guess or f'see {command} --help'}", ExitCode.USAGE)


def _as_option(name: str, value: str) -> str:
    """Return how a recipe field that was typed as Hydra has it, `temp=0.1`, is given here."""
    from simclr_tui.recipe.fields import field

    try:
        found = field(name)
    except RecipeError as error:
        return str(error)
    return f"recipe fields are options: {found.flag}" + (f" {value}" if found.type is not bool else "")


if __name__ == "__main__":
    main()
