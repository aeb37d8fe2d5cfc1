"""`simclr bench`: how fast this program is on this machine, each figure beside its goal."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import msgspec
import typer

from simclr_tui.cli import out
from simclr_tui.cli.options import AsJson
from simclr_tui.errors import SimclrError
from simclr_tui.store.measured import Figure, Measured
from simclr_tui.text import number

app = typer.Typer(help="Measure this program on this machine: each figure with its spread, beside its goal.",
                  no_args_is_help=True)  # fmt: skip

Count = Annotated[int, typer.Option("--count", min=1, help="Generated runs.")]
Repeat = Annotated[int, typer.Option("--repeat", min=1, help="Times that each figure is measured.")]


@app.command("store")
def store(
    count: Count = 10_000,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps of the generated history.")] = 1_000_000,
    repeat: Repeat = 5,
    json: AsJson = False,
) -> None:
    """Logging, a long history, start-up, the index and the listing of many runs."""
    _tell(_measure("store", count, steps, repeat), json)


@app.command("dashboard")
def dashboard(count: Count = 10_000, repeat: Repeat = 5, json: AsJson = False) -> None:
    """The dashboard's first frame, its keys, a chart and its memory, over many runs."""
    _tell(_measure("dashboard", count, 1, repeat), json)


def _measure(what: str, count: int, steps: int, repeat: int) -> Measured:
    words = ["--count", str(count), "--steps", str(steps), "--repeat", str(repeat)]
    out.talk("measuring, for a minute or more; the quieter the machine, the truer the figures")
    done = subprocess.run([sys.executable, "-m", "simclr_tui.bench", what, *words], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SimclrError("the benchmark ended without figures", "its own words are above; see simclr doctor")
    return msgspec.json.decode(done.stdout, type=Measured)


def _tell(measured: Measured, json: bool) -> None:
    if json:
        out.data_json(measured.as_json())
        return
    titles = ["", "median", "lowest – highest", "n", "goal", ""]
    out.table(titles, [_cells(figure) for figure in measured.figures], right=(1, 2, 3, 4))
    out.data()
    out.data(f"{measured.machine}; {', '.join(f'{name} {version}' for name, version in measured.versions.items())}")
    if measured.commit:
        out.data(f"commit {measured.commit}")


def _cells(figure: Figure) -> list[str]:
    verdict = {True: "met", False: "missed", None: ""}[figure.met]
    return [
        figure.name,
        f"{number(figure.median)} {figure.unit}",
        f"{number(min(figure.values))} – {number(max(figure.values))}",
        str(len(figure.values)),
        "" if figure.goal is None else f"≤ {number(figure.goal)} {figure.unit}",
        verdict,
    ]
