"""Make the report of one run, of several, or of a sweep: what was asked, what came out, and how to repeat it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from simclr_tui.catalog.compare import Comparison, compare
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import NotFoundError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.report.blocks import Block, Paragraph, Report
from simclr_tui.report.images import images_of
from simclr_tui.report.origins import data_section, hardware_section, repeat_section
from simclr_tui.report.results import curves_section, evaluations_section, recipes_section, results_section
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.sweep.folder import Sweep
from simclr_tui.version import __version__

_SHOWN = 4  # runs that are named in the title and described in words


def make_report(
    runs: Sequence[Run], *, sweep: Sweep | None = None, images: bool = True, cancel: Cancel | None = None
) -> Report:
    """Return the report of the runs; `images` adds views and neighbours of the first.

    Raises SimclrError, CancelledError where `cancel` was requested while images were drawn.
    """
    comparison = compare(runs)
    named = [run.name for run in comparison.runs]
    title = (
        f"Sweep {sweep.name}" if sweep else ", ".join(named[:4]) + (f" and {len(named) - 4} more" if named[4:] else "")
    )
    pictures = images_of(comparison.runs[0], cancel) if images else None
    held = pictures.held if pictures else []
    says = f"This file holds {'; '.join(held)}." if held else "This file holds no images of the data."
    blocks: list[Block] = [
        *_asked(comparison, sweep),
        Paragraph(says),
        *results_section(comparison),
        *recipes_section(comparison),
        *curves_section(comparison),
        *evaluations_section(comparison.runs),
        *(pictures.blocks if pictures else []),
        *(Paragraph(f"No images: {why}.") for why in (pictures.missing if pictures else [])),
        *data_section(comparison.runs),
        *hardware_section(comparison.runs),
        *repeat_section(comparison.runs),
    ]
    return Report(title, blocks)


def runs_of_sweep(store: Store, sweep: Sweep) -> list[Run]:
    """Return the runs of a sweep, in the order of their trials. Raises NotFoundError if it has none yet."""
    found: list[tuple[int, Run]] = []
    for name in store.names():
        run = store.run(name)
        trial = run.info.trial
        if trial is not None and trial.sweep == sweep.name:
            found.append((trial.number, run))
    if not found:
        raise NotFoundError(f"no trial of {sweep.name} has begun", "see simclr sweep show")
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]


def _asked(comparison: Comparison, sweep: Sweep | None) -> list[Block]:
    now = datetime.datetime.fromtimestamp(SYSTEM_CLOCK.wall()).strftime("%Y-%m-%d %H:%M")
    blocks: list[Block] = [Paragraph(f"Written by simclr-tui {__version__} on {now}.")]
    if sweep is not None:
        varied = ", ".join(sweep.varied)
        blocks.append(Paragraph(f"{sweep.title or 'What was varied'}: {varied}; sampler {sweep.sampler}."))
    for run in comparison.runs[:_SHOWN]:
        info = run.info
        if info.note and sweep is None:
            blocks.append(Paragraph(f"{run.name}: {info.note}"))
        if info.origin is not None:
            blocks.append(Paragraph(f"{run.name} was not trained here: {info.origin.source} ({info.origin.words})."))
    return blocks
