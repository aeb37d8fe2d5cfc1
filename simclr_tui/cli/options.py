"""Options and arguments shared by several commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from simclr_tui.errors import SimclrError
from simclr_tui.launch.slurm.option_help import OPTION_HELP


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return run names for shell completion."""
    from simclr_tui.store.store import Store

    root = Path(ctx.params.get("runs") or "runs")
    try:
        return [name for name in Store(root).names() if name.startswith(incomplete)]
    except SimclrError:
        return []


def complete_preset(incomplete: str) -> list[str]:
    """Return presets for shell completion."""
    from simclr_tui.recipe.presets import preset_names

    return [name for name in ("auto", *preset_names()) if name.startswith(incomplete)]


Preset = Annotated[
    str,
    typer.Option("--preset", "-p", help="Same as in `simclr run`.", autocompletion=complete_preset, show_default=True),
]
Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="TOML file that overrides the preset.", show_default=False)
]
RUNS_HELP = "The run store."
Runs = Annotated[Path, typer.Option("--runs", envvar="SIMCLR_RUNS", help=RUNS_HELP, show_default=True)]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="A name, a unique prefix, @last or @best.", autocompletion=complete_run)
]
RunNames = Annotated[
    list[str], typer.Argument(metavar="RUN…", help="Names, prefixes, @last, @best.", autocompletion=complete_run)
]
ExactName = Annotated[
    str, typer.Argument(metavar="RUN", help="A name in full, @last or @best.", autocompletion=complete_run)
]
ExactNames = Annotated[
    list[str], typer.Argument(metavar="RUN…", help="Names in full, @last, @best.", autocompletion=complete_run)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Data = Annotated[
    str | None, typer.Option("--data", help="Other images, named as in `simclr run`.", show_default="the run's")
]
Split = Annotated[
    Literal["train", "test"] | None, typer.Option("--split", help="Use only this split.", show_default=True)
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", show_default=True)]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Print the run's name and return at once.")]
Queued = Annotated[
    bool, typer.Option("--queue", "-q", help="Queue the run instead of starting it now; see `simclr queue`.")
]
Priority = Annotated[int, typer.Option("--priority", help="Queue it with this priority; higher starts earlier.")]
After = Annotated[
    list[str] | None,
    typer.Option(
        "--after", metavar="RUN", help="Queue it, to start after RUN has finished. Repeatable.", show_default=False
    ),
]
On = Annotated[Literal["here", "slurm"], typer.Option("--on", help="Train on this machine, or as a Slurm job.")]
Name = Annotated[str | None, typer.Option("--name", "-n", help="Name of the run.", show_default="run1, run2, …")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Tag. Repeatable.", show_default=False)]
Note = Annotated[str, typer.Option("--note", help="A note to remember it by.", show_default=False)]
Partition = Annotated[str, typer.Option("--partition", help=OPTION_HELP["partition"], show_default=False)]
Time = Annotated[str, typer.Option("--time", help=OPTION_HELP["time"])]
Cpus = Annotated[int, typer.Option("--cpus", min=0, help=OPTION_HELP["cpus"])]
Nodes = Annotated[
    int,
    typer.Option("--nodes", min=0, help=OPTION_HELP["nodes"]),
]
DEFAULT_RUNS: Any = Path("runs")
