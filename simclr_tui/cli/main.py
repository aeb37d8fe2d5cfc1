"""`simclr`: one file a verb; here they are put together, and errors become a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from simclr_tui import __version__
from simclr_tui.cli import (
    attach,
    clone,
    compare,
    data,
    doctor,
    edit,
    embed,
    evaluate,
    export,
    logs,
    ls,
    neighbors,
    preview,
    queue,
    reindex,
    resume,
    rm,
    run,
    show,
    stop,
    sweep,
    trash,
    tui,
)
from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.text import safe

_EXIT_CODES = "Exit codes: " + ", ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in ExitCode)

app = typer.Typer(
    name="simclr",
    help="Train, watch, compare and keep SimCLR encoders, from a terminal.",
    epilog=_EXIT_CODES + ".",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_TRAIN, _LOOK, _KEEP, _MACHINE = "Train", "Look", "Keep", "Machine"
app.command("run", rich_help_panel=_TRAIN)(run.run)
app.command("stop", rich_help_panel=_TRAIN)(stop.stop)
app.command("resume", rich_help_panel=_TRAIN)(resume.resume)
app.command("clone", rich_help_panel=_TRAIN)(clone.clone)
app.add_typer(queue.app, name="queue", rich_help_panel=_TRAIN)
app.add_typer(sweep.app, name="sweep", rich_help_panel=_TRAIN)
app.command("tui", rich_help_panel=_LOOK)(tui.tui)
app.command("ls", rich_help_panel=_LOOK)(ls.ls)
app.command("show", rich_help_panel=_LOOK)(show.show)
app.command("compare", rich_help_panel=_LOOK)(compare.compare)
app.command("eval", rich_help_panel=_LOOK)(evaluate.evaluate)
app.command("logs", rich_help_panel=_LOOK)(logs.logs)
app.command("attach", rich_help_panel=_LOOK)(attach.attach)
app.command("preview", rich_help_panel=_LOOK)(preview.preview)
app.command("neighbors", rich_help_panel=_LOOK)(neighbors.neighbors)
app.command("export", rich_help_panel=_KEEP)(export.export)
app.command("embed", rich_help_panel=_KEEP)(embed.embed)
app.command("edit", rich_help_panel=_KEEP)(edit.edit)
app.command("rm", rich_help_panel=_KEEP)(rm.rm)
app.add_typer(trash.app, name="trash", rich_help_panel=_KEEP)
app.command("reindex", rich_help_panel=_KEEP)(reindex.reindex)
app.add_typer(data.app, name="data", rich_help_panel=_MACHINE)
app.command("doctor", rich_help_panel=_MACHINE)(doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"simclr-tui {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train, watch, compare and keep SimCLR encoders, from a terminal."""


def main() -> None:
    """The console script."""
    try:
        app()
    except SimclrError as error:
        print(f"simclr: {safe(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our pipe has left (head, less): not an error, and nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.OK)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        print(f"simclr: {safe(named + (error.strerror or str(error)))} — see simclr doctor", file=sys.stderr)
        sys.exit(ExitCode.FAILED)


if __name__ == "__main__":
    main()
