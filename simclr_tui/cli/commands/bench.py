"""`simclr bench`: measure this program on this machine, each figure beside its goal."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import AsJson, Config, Preset
from simclr_tui.cli.recipe_options import with_recipe_flags
from simclr_tui.errors import SimclrError
from simclr_tui.interpreter import python_module
from simclr_tui.store.bench_report import Figure, Measured
from simclr_tui.text import number

app = typer.Typer(help="Benchmark this program on this machine: each figure with its spread, beside its goal.",
                  no_args_is_help=True)  # fmt: skip

Count = Annotated[int, typer.Option("--count", min=1, help="Generated runs.")]
Repeat = Annotated[int, typer.Option("--repeat", min=1, help="Measurements per figure.")]


@app.command("store")
def store(
    count: Count = 10_000,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps of the generated history.")] = 1_000_000,
    repeat: Repeat = 5,
    json: AsJson = False,
) -> None:
    """Measure logging, a long history, start-up, indexing and listing many runs.

    Where MLflow or trackio is installed, its own command lists up to a thousand runs in turns with `simclr ls`.
    """
    _tell(_measure("store", count, steps, repeat=repeat), json)


@app.command("dashboard")
def dashboard(
    count: Annotated[int, typer.Option("--count", min=2, help="Generated runs.")] = 10_000,
    repeat: Repeat = 5,
    json: AsJson = False,
) -> None:
    """Measure the dashboard over many runs: first frame, keys, a chart, memory."""
    _tell(_measure("dashboard", count, 1, repeat=repeat), json)


@app.command("queue")
def queue(count: Count = 10_000, repeat: Repeat = 5, json: AsJson = False) -> None:
    """Measure the queue beside many ended runs: queueing a run, one poll of the dispatcher."""
    _tell(_measure("queue", count, 1, repeat=repeat), json)


@app.command("train")
@with_recipe_flags
def train(
    *,
    preset: Preset = "auto",
    config: Config = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps per measurement.")] = 8,
    repeat: Repeat = 5,
    peer: Annotated[
        str, typer.Option("--peer", help='Command to alternate with; its last line must be {"images_per_s": …}.')
    ] = "",
    managed: Annotated[
        bool, typer.Option("--managed", help="Also measure a managed run with the dashboard open.")
    ] = False,
    json: AsJson = False,
    flags: dict[str, Any],
) -> None:
    """Measure training with a recipe: images per second, share of peak, and where the time of a step goes.

    Takes the flags of `simclr run`. Uses generated images, so nothing is downloaded.
    """
    from simclr_tui.launch.plan import choose_preset
    from simclr_tui.launch.trainer_process import computing_environment
    from simclr_tui.recipe.resolve import resolve, to_toml

    resolved = resolve(choose_preset()[0] if preset == "auto" else preset, config, flags)
    environment = computing_environment()
    added = ",".join(environment.keys() - os.environ.keys())
    words = ["--peer", peer, *(["--managed"] if managed else []), "--added", added]
    _tell(
        _measure(
            "train", 0, steps, repeat=repeat, more=words, given=to_toml(resolved).encode(), environment=environment
        ),
        json,
    )


@app.command("data")
def data(
    count: Annotated[int, typer.Option("--count", min=64, help="Generated images.")] = 512,
    repeat: Repeat = 5,
    json: AsJson = False,
) -> None:
    """Measure decoding image files into two views each, as a run does when its pixels do not fit in memory.

    Alternates with torchvision's ImageFolder and transforms, on generated 224-px JPEGs.
    """
    _tell(_measure("data", count, 1, repeat=repeat), json)


def _measure(
    what: str, count: int, steps: int, *, repeat: int, more: Sequence[str] = (), given: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> Measured:  # fmt: skip
    words = ["--count", str(count), "--steps", str(steps), "--repeat", str(repeat), *more]
    output.talk("Measuring for a minute or more; an otherwise idle machine gives the most reliable figures")
    command = python_module("simclr_tui.bench", what, *words, "--parent", str(os.getpid()))
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=False, env=environment)
    if done.returncode:
        raise SimclrError("the benchmark failed", "its own output is above; see also simclr doctor")
    return msgspec.json.decode(done.stdout, type=Measured)


def _tell(measured: Measured, json: bool) -> None:
    if json:
        output.data_json(measured.as_json())
        return
    titles = ["", "median", "lowest – highest", "n", "goal", ""]
    output.table(titles, [_cells(figure) for figure in measured.figures], right=(1, 2, 3, 4))
    output.data()
    output.data(f"{measured.machine}; {', '.join(f'{name} {version}' for name, version in measured.versions.items())}")
    if measured.commit:
        output.data(f"commit {measured.commit}")


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
