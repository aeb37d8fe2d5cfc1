"""What a report's runs were trained on, by what and at what cost, and the commands that repeat them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from simclr_tui.errors import RecipeError
from simclr_tui.hardware.log import HardwareLog
from simclr_tui.recipe.fields import fields
from simclr_tui.recipe.resolve import flag_words, resolve
from simclr_tui.report.blocks import Block, Code, Heading, Paragraph, Table
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.energy import Energy, read_energy
from simclr_tui.store.run import Run
from simclr_tui.text import duration, energy


def data_section(runs: Sequence[Run]) -> list[Block]:
    said: dict[str, None] = {}
    for run in runs:
        facts = read_data_facts(run.path)
        if facts is not None:
            own = f"{facts.validation_images:,} validation images, " if facts.validation_images else ""
            words = f"{facts.data}: {facts.images:,} training images, {own}{facts.test_images:,} test images. "
            told = [f"{one[:1].upper()}{one[1:]}." for one in (*facts.sentences, *facts.warnings)]
            said[words + " ".join(told)] = None
    return [Heading("Data"), *map(Paragraph, said)] if said else []


def hardware_section(runs: Sequence[Run]) -> list[Block]:
    rows = []
    for run in runs:
        status, used = run.status, read_energy(run.paths)
        facts = status.facts
        rows.append(
            [run.name, run.info.host, _gpus(run), str(facts.get("device", "–")), str(facts.get("precision", "–")),
             str(facts.get("torch", "–")), duration(status.elapsed + status.time), *_cost(used)]
        )  # fmt: skip
    titles = ["run", "host", "GPU", "device", "precision", "torch", "time", "GPU time", "GPU energy", "CPU energy"]
    return [Heading("Hardware and cost"), Table(titles, rows)]


def _cost(used: Energy) -> list[str]:
    return [duration(used.gpu_seconds), energy(used.gpu), energy(used.cpu)]


def _gpus(run: Run) -> str:
    """Return the GPUs that the run's last hardware sample names."""
    log = HardwareLog(run.paths)
    while log.poll(1 << 24):
        pass
    names = [gpu.name or "GPU" for gpu in log.latest.gpus] if log.latest else []
    return ", ".join(dict.fromkeys(names)) or "none"


def repeat_section(runs: Sequence[Run]) -> list[Block]:
    lines = []
    for run in runs:
        info = run.info
        if info.origin is not None:
            continue
        commit = f", commit {info.git_commit}" if info.git_commit else ""
        lines += [f"# {run.name}: simclr-tui {info.version}{commit}", shlex.join(["simclr", "run", *recipe_words(run)])]
    words = "On the same machine and software a run repeats exactly on a CPU; on a GPU its figures vary slightly."
    return [Heading("How to repeat it"), Paragraph(words), Code("\n".join(lines))] if lines else []


def recipe_words(run: Run) -> list[str]:
    """Return the flags that give the run's recipe: its preset, and what differs from that."""
    resolved = run.resolved
    try:
        base, preset = resolve(resolved.preset).recipe, ["--preset", resolved.preset]
    except RecipeError:  # a preset that this version does not have
        base, preset = resolve("quick").recipe, ["--preset", "quick"]
    different = {
        item.key: value
        for item in fields()
        if (value := getattr(resolved.recipe, item.key)) != getattr(base, item.key) and not item.hidden
    }
    return [*preset, *flag_words(different)]
