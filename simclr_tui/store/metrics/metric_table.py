"""Declare every metric once: its names and unit, which values are better, and where it is shown.

All code that writes, lists, sorts, compares or draws a metric reads this table; `tests/test_declared_once.py` finds a
second one. To add a metric, log it under its name and add its line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["", "share", "bytes", "seconds", "joules"]
"""The unit of a value: none, a share (0–1, shown in percent), bytes, seconds or joules (shown in Wh)."""
Better = Literal["", "highest", "lowest"]
"""The direction in which values are better; empty if neither is."""
Within = Literal["", "labels", "test", "loss", "machine"]
"""What two runs must share for their values to be compared: the same labelled images during training (`labels`) or
after it (`test`), the same loss of the same views of the same images (`loss`), or the same machine (`machine`)."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """Describe a metric. `name` is used in files, filters and JSON, `title` above charts, `short` above narrow columns.

    `series`: logged in metrics.jsonl, per step or evaluation. `column`: in the catalog and lists, taken from the run's
    summary or, if `evaluation` names one, from that evaluation's top-1. `every_step`: its newest value is part of the
    summary. `listed`: shown by `simclr ls` by default. `grouped`: averaged over groups of runs. `charted`: drawn by
    default. `label_free`: says without labels whether a representation is healthy.
    """

    name: str
    title: str
    short: str
    about: str
    unit: Unit = ""
    better: Better = ""
    within: Within = ""
    series: bool = True
    column: bool = False
    every_step: bool = False
    listed: bool = False
    grouped: bool = False
    charted: bool = False
    label_free: bool = False
    evaluation: str = ""

    @property
    def starred(self) -> bool:
        """Return whether a chart marks the best value: only metrics of how well a run learns, not how fast."""
        return self.better != "" and self.within in ("labels", "test", "loss")


def _share(name: str, title: str, short: str, about: str, **more: object) -> Metric:
    return Metric(name=name, title=title, short=short, about=about, unit="share", **more)  # type: ignore[arg-type]


_ACCURACY = {"better": "highest", "within": "labels", "column": True}
_TEST = {**_ACCURACY, "within": "test"}

# In the order in which they are shown.
_TABLE: tuple[Metric, ...] = (
    Metric(name="loss", title="loss", short="loss", about="the latest loss", better="lowest", within="loss",
           column=True, every_step=True, listed=True, grouped=True, charted=True),
    _share("knn", "kNN accuracy", "kNN", "the latest accuracy of the kNN monitor", listed=True, grouped=True,
           charted=True, **_ACCURACY),
    _share("knn_balanced", "balanced kNN accuracy", "bal. kNN",
           "the mean over classes of the accuracy of kNN, where classes are uneven", **_ACCURACY),
    _share("knn_first", "kNN accuracy before training", "kNN first", "the accuracy of kNN before the first step",
           within="labels", series=False, column=True),
    _share("knn_best", "best kNN accuracy", "kNN best", "the best accuracy of the kNN monitor", series=False,
           listed=True, grouped=True, **_ACCURACY),
    _share("probe_accuracy", "linear probe accuracy", "probe acc",
           "the accuracy of a linear classifier that --probe fits to h at each evaluation", **_ACCURACY),
    _share("contrastive_top1", "contrastive top-1", "top-1", "how often a view's partner is its nearest in the batch",
           better="highest", within="loss", column=True, every_step=True),
    Metric(name="rank_h", title="effective rank of h", short="rank h", about="the effective rank of h",
           better="highest", column=True, label_free=True),
    Metric(name="rank_z", title="effective rank of z", short="rank z", about="the effective rank of z",
           better="highest", column=True),
    Metric(name="positive_similarity", title="similarity of positives", short="sim +",
           about="the mean similarity of two views of one image"),
    Metric(name="negative_similarity", title="similarity of negatives", short="sim −",
           about="the mean similarity of views of different images"),
    Metric(name="alignment", title="alignment", short="align",
           about="the mean squared distance of an image's two normalised z", better="lowest", column=True,
           label_free=True),
    Metric(name="uniformity", title="uniformity", short="uniform",
           about="how evenly normalised z cover the sphere: the log of a mean potential", better="lowest", column=True,
           label_free=True),
    _share("contrastive_top5", "contrastive top-5", "top-5",
           "how often a view's partner is among its five nearest in the batch", better="highest", within="loss"),
    Metric(name="lr", title="learning rate", short="lr", about="the learning rate of the step"),
    Metric(name="images_per_s", title="images/s", short="images/s", about="training images per second",
           better="highest", within="machine", column=True, every_step=True, listed=True, grouped=True),
    Metric(name="steps_per_s", title="steps/s", short="steps/s", about="steps per second", better="highest",
           within="machine", series=False, column=True),
    Metric(name="grad_norm", title="gradient norm", short="grad", about="the norm of the whole gradient"),
    _share("data_wait", "waiting for data", "wait", "the share of a step spent waiting for images", better="lowest",
           within="machine"),
    Metric(name="gpu_allocated", title="GPU memory, tensors", short="memory", about="the peak GPU memory in tensors",
           unit="bytes", better="lowest", within="machine", column=True),
    Metric(name="gpu_reserved", title="GPU memory, reserved", short="reserved",
           about="the GPU memory that the allocator holds", unit="bytes", better="lowest", within="machine"),
    Metric(name="gpu_time", title="GPU time", short="GPU time", about="the time on GPUs, summed over them",
           unit="seconds", series=False, column=True),
    Metric(name="gpu_energy", title="GPU energy", short="energy", about="the energy of the GPUs that the run used",
           unit="joules", series=False, column=True),
    Metric(name="cpu_energy", title="CPU energy", short="CPU en.", about="the energy of the machine's CPU packages",
           unit="joules", series=False, column=True),
    Metric(name="loss_scale", title="loss scale of fp16", short="scale", about="the loss scale of fp16"),
    _share("linear", "linear probe, top-1", "linear", "top-1 of the linear probe", series=False, grouped=True,
           evaluation="linear", **_TEST),
    _share("finetune_1", "fine-tuned on 1%, top-1", "1%", "top-1 after fine-tuning on 1% of the labels", series=False,
           evaluation="finetune-1pct", **_TEST),
    _share("finetune_10", "fine-tuned on 10%, top-1", "10%", "top-1 after fine-tuning on 10% of the labels",
           series=False, evaluation="finetune-10pct", **_TEST),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
"""Metrics by name, in the order in which they are shown."""
COLUMNS: tuple[Metric, ...] = tuple(metric for metric in _TABLE if metric.column)
"""The metrics that lists can show, filter and sort by."""
LISTED: tuple[str, ...] = tuple(metric.name for metric in _TABLE if metric.listed)
"""Names of the metrics that a list shows by default."""
GROUPED: tuple[str, ...] = tuple(metric.name for metric in _TABLE if metric.grouped)
"""Names of the metrics that are averaged over groups of runs."""
CHARTED: tuple[str, ...] = tuple(metric.name for metric in _TABLE if metric.charted)
"""Names of the metrics that are drawn by default."""
LABEL_FREE: tuple[str, ...] = tuple(metric.name for metric in _TABLE if metric.label_free)
"""Names of the metrics that need no labels: the effective rank of h (after Garrido et al. 2023), and alignment and
uniformity of z (Wang & Isola 2020). How far they order runs as kNN does is measured by benchmarks/label_free.py."""
