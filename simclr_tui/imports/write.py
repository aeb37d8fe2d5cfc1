"""Write the run of another program into the store, as a read-only run that lists, plots and compares like any other."""

from __future__ import annotations

import math
import platform
import shutil
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import SimclrError, StoreError
from simclr_tui.imports.foreign_run import ForeignRun, Series
from simclr_tui.recipe.resolve import Resolved, to_toml
from simclr_tui.store.metrics.metric_table import COLUMNS, METRICS
from simclr_tui.store.metrics.writer import MetricWriter
from simclr_tui.store.run import FORMAT, Origin, Run, RunInfo
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store
from simclr_tui.text import storable
from simclr_tui.version import __version__

CONFIG = "config.json"
"""The file of an imported run that keeps the source's whole configuration, as the source had it."""
_EPOCHS = ("epoch", "epochs", "train/epoch", "trainer/epoch")
_COORDINATES = ("step", "epoch", "time")


def write_run(
    store: Store, run: ForeignRun, series: Mapping[str, Series], *, name: str, resolved: Resolved, origin: Origin
) -> Run:
    """Write the run under that free name. Raises StoreError, and then leaves nothing behind."""
    with store.claiming(name) as written:
        try:
            for folder in (written.paths.attempt(1).root, written.paths.checkpoints, written.paths.evaluations):
                folder.mkdir(exist_ok=True)
            state = _write_metrics(written, run, series)
            write_file(written.paths.recipe, to_toml(resolved).encode())
            if run.config:
                write_file(written.path / CONFIG, _json(run.config))
            write_state(written.paths, state, durable=True)
            written.write_info(_info(written, run, origin))
        except (SimclrError, OSError, UnicodeEncodeError) as error:
            shutil.rmtree(written.path, ignore_errors=True)
            if isinstance(error, SimclrError):
                raise
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise StoreError(f"cannot write {written.path}: {why}", "see simclr doctor") from None
    return written


def _write_metrics(written: Run, run: ForeignRun, series: Mapping[str, Series]) -> State:
    """Write one line per step, and return the state that they come to."""
    epochs = next((series[name] for name in _EPOCHS if name in series), {})
    steps = sorted({step for values in series.values() for step in values})
    measured = {name: values for name, values in series.items() if name not in _COORDINATES}
    began = min((run.walls[step] for step in steps if step in run.walls), default=0.0)
    writer = MetricWriter(written.paths.attempt(1))
    epoch = seconds = 0.0
    for step in steps:
        epoch = max(epoch, epochs.get(step, epoch)) if math.isfinite(epochs.get(step, 0.0)) else epoch
        seconds = max(seconds, run.walls.get(step, began + seconds) - began)
        values = {storable(name): found[step] for name, found in measured.items() if step in found}
        if values:
            writer.write(step, epoch, seconds, values=values)
    writer.sync()
    writer.close()
    last = steps[-1] if steps else 0
    per_epoch = round(last / epoch) if epoch else 0
    return State(
        state=run.state, since=SYSTEM_CLOCK.wall(), reason=storable(run.reason), step=last, steps=last,
        steps_per_epoch=per_epoch, time=seconds, summary=_summary(measured),
    )  # fmt: skip


def _summary(series: Mapping[str, Series]) -> dict[str, float]:
    """Return the latest value of each metric that lists show, and kNN's first and best."""
    found: dict[str, float] = {}
    for metric in COLUMNS:
        finite = [value for _, value in sorted(series.get(metric.name, {}).items()) if math.isfinite(value)]
        if not finite:
            continue
        found[metric.name] = finite[-1]
        if f"{metric.name}_best" in METRICS:
            found |= {f"{metric.name}_first": finite[0], f"{metric.name}_best": max(finite)}
    return found


def _info(written: Run, run: ForeignRun, origin: Origin) -> RunInfo:
    return RunInfo(
        format=FORMAT,
        id=uuid.uuid4().hex,
        name=written.name,
        created=run.created or SYSTEM_CLOCK.wall(),
        version=__version__,
        command=[storable(word) for word in sys.argv],
        host=platform.node(),
        tags=[origin.kind],
        note=storable(run.note),
        origin=origin,
    )


def _json(config: Mapping[str, object]) -> bytes:
    plain = {storable(str(key)): _plain(value) for key, value in config.items()}
    return msgspec.json.format(msgspec.json.encode(plain), indent=1)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else storable(str(value))


def is_free(store: Store, name: str) -> bool:
    """Return whether nothing in the store has that name."""
    return not Path(store.root / name).exists()
