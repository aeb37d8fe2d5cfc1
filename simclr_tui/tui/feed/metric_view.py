"""The display of each metric: its title, the scale of its values, its number format."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from simclr_tui.store.metrics.metric_table import METRICS, Better, Metric, Unit
from simclr_tui.text import number, safe

HARDWARE = "hardware: "  # prefix of the key of a panel that is not a metric
RAM_OF_EACH_RUN = "RAM of each run GB"  # its heading where several runs are drawn
HOST_MEMORY = f"{HARDWARE}host memory GB"  # takes the place of GPU memory beside the metrics where there is no GPU


@dataclass(frozen=True)
class MetricView:
    """Describe how one metric is displayed.

    `scale` multiplies logged values before they are drawn; `unit` follows the title; `best` says which value is the
    best, where one is.
    """

    title: str
    unit: str = ""
    scale: float = 1.0
    log: bool = False
    write: Callable[[float | None], str] = number
    best: Better = ""

    @property
    def heading(self) -> str:
        return f"{self.title} {self.unit}".strip()

    def value(self, logged: float | None) -> str:
        """Return a logged value in words, scaled."""
        return self.write(None if logged is None else logged * self.scale)


def _tenth(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.1f}"


_SCALES: dict[Unit, tuple[str, float]] = {
    "": ("", 1.0),
    "share": ("%", 100.0),
    "bytes": ("GB", 1e-9),
    "seconds": ("s", 1.0),
    "joules": ("Wh", 1 / 3600),
}


def _view(metric: Metric) -> MetricView:
    unit, scale = _SCALES[metric.unit]
    write = _tenth if metric.unit == "share" else number
    return MetricView(metric.title, unit, scale, write=write, best=metric.better if metric.starred else "")


_KNOWN = {metric.name: _view(metric) for metric in METRICS.values()}


def _short(value: float | None) -> str:
    return number(value) if value is None or abs(value) >= 1000 else f"{value:.3g}"


def view_of(metric: str) -> MetricView:
    """Return the view of a metric or a hardware panel; an unknown one keeps its own name, sanitised."""
    if metric.startswith(HARDWARE):
        return MetricView(safe(metric.removeprefix(HARDWARE)), write=_short)
    return _KNOWN.get(metric) or MetricView(safe(metric)[:60])


_OBJECTIVES = {"nt-xent": "NT-Xent", "nt-logistic": "NT-Logistic", "margin": "margin", "dcl": "DCL"}


def heading_of(metric: str, objectives: Collection[str] = ()) -> str:
    """Return a chart's heading; for the loss, it names the objective if all runs share one."""
    if metric == "loss" and len(objectives) == 1:
        return " ".join(["loss", *(_OBJECTIVES.get(name, safe(name)) for name in objectives)])
    return view_of(metric).heading


# Short headings of what is no metric: the charts of the hardware.
_SHORTER = {
    RAM_OF_EACH_RUN: "RAM GB",
    "host memory GB": "RAM GB",
    "waiting for data %": "data wait %",
    "CPU cores of this run": "CPU cores",
}


def short_heading_of(metric: str, heading: str) -> str:
    """Return a chart's heading where `heading` has no room: the short title of what is known, with its unit."""
    if heading in _SHORTER:
        return _SHORTER[heading]
    known = METRICS.get(metric)
    return heading if known is None else f"{known.short} {_KNOWN[metric].unit}".strip()


_FIRST = (
    "loss",
    "knn",
    "gpu_reserved",
    HOST_MEMORY,
    "images_per_s",
)  # answers at a glance: does it learn, is the GPU full, busy


def in_order(metrics: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics with the most telling first, then the other known ones, then the rest by name."""
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys((*_FIRST, *_KNOWN)))}
    return tuple(sorted(metrics, key=lambda name: (ranks.get(name, len(ranks)), name)))
