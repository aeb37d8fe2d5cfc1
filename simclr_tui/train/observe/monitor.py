"""Evaluate h between steps: does it learn (kNN), and is it healthy?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Data, whole_images
from simclr_tui.train.data.validation import Labelled, describe_groups, labelled, votes_and_validation
from simclr_tui.train.device import Compute
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.head import ProjectionHead
from simclr_tui.train.observe.health import Health, measure_health
from simclr_tui.train.observe.knn import evaluating, extract_features, knn_votes, mean_per_class, vote_temperature
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.observe.ridge_probe import ridge_accuracy
from simclr_tui.train.stop_flag import StopFlag
from simclr_tui.train.views.apply import two_views
from simclr_tui.train.views.params import draw_views

_CHUNK = 2048  # images between two checks of the stop flag
_SAMPLE = 1024  # images whose views the health is measured on
_SAMPLE_CHUNK = 128
_NO_EPOCH = 2**32 - 1  # of the draws for the sample's views: no epoch of training has them


@dataclass(frozen=True)
class Measured:
    """`knn` is None where images have no labels, `knn_balanced` also where every class has as many of them.

    `probe` is the accuracy of a linear classifier; None unless the recipe asks for it.
    """

    knn: float | None
    knn_balanced: float | None
    probe: float | None
    health: Health

    def metrics(self) -> dict[str, float]:
        measured = {"knn": self.knn, "knn_balanced": self.knn_balanced}
        probed = {} if self.probe is None else {"probe_accuracy": self.probe}
        return {name: value for name, value in measured.items() if value is not None} | probed | self.health.metrics()


class Monitor:
    """Measure kNN on h (Wu et al. 2018; k and weights from the recipe), where images have labels, and the health of h
    and z.

    Choices are made by this figure, so it is measured on validation images; 0.1 measured it on the test images.
    Off for `--knn-every 0`.
    """

    def __init__(self, recipe: Recipe, data: Data, compute: Compute, *, report: Reporter, stop: StopFlag) -> None:
        self._recipe, self._compute, self._report, self._stop = recipe, compute, report, stop
        if recipe.knn_on == "validation":
            self._bank, self._queries = votes_and_validation(data)
        else:
            self._bank, self._queries = labelled(data.train), labelled(data.test)
        self._classes = len(data.classes)
        self._images, self._train = data.train.images, data.train
        self._split = data.validated_on if recipe.knn_on == "validation" else ""

    @property
    def has_labels(self) -> bool:
        """Return whether any training image has a label."""
        return self._bank is not None

    @property
    def labelled(self) -> bool:
        """Return whether kNN can be measured."""
        return self._bank is not None and self._queries is not None

    def due(self, step: int, steps_per_epoch: int, steps: int) -> bool:
        """Return whether to evaluate now: before the first step, every `knn_every` epochs, and after the last step."""
        every = self._recipe.knn_every * steps_per_epoch
        return every > 0 and (step % every == 0 or step == steps)

    def measure(self, encoder: Encoder, head: ProjectionHead) -> Measured:
        """Return kNN and health of the encoder and head. Raises Stopped on a stop request."""
        return Measured(*self._accuracies(encoder), self._health(encoder, head))

    def facts(self) -> dict[str, str | int | float]:
        """Return what a kNN accuracy is measured by, to stand beside it: k, weights, the labelled images that vote,
        chance, and the largest class's share of the images asked for."""
        if self._bank is None or self._queries is None:
            return {}
        votes, asked = np.bincount(self._bank.labels), np.bincount(self._queries.labels)
        crop = self._recipe.eval_crop
        cropped: dict[str, str | int | float] = {"eval_crop": crop} if crop < 1.0 else {}
        split: dict[str, str | int | float] = {"knn_split": self._split} if self._split else {}
        return (
            cropped
            | split
            | {
                "knn_on": self._recipe.knn_on,
                "knn_images": int(asked.sum()),
                "knn_k": min(self._recipe.knn_k, int(votes.sum())),
                "knn_weights": self._recipe.knn_weights,
                "knn_bank": int(votes.sum()),
                "knn_smallest_class": int(votes[votes > 0].min()),
                "chance": 1 / max(1, int((asked > 0).sum())),
                "largest_class": float(asked.max() / asked.sum()),
            }
        )

    @property
    def groups(self) -> str:
        """Return a sentence on the groups that are whole among the validation images; empty where there are none."""
        if self._recipe.knn_on != "validation" or self._split:
            return ""
        return describe_groups(self._train.names, self._train.labels, self._train.groups)

    def warnings(self) -> list[str]:
        """Return a sentence where k asks for more neighbours than the smallest class has images, or where labelled
        images vote and there is none to ask for."""
        facts = self.facts()
        if not facts:
            reason = self.groups or "no labelled images are left to ask for"
            return [] if self._bank is None else [f"kNN is not measured: {reason}"]
        k, smallest = int(facts["knn_k"]), int(facts["knn_smallest_class"])
        if k <= smallest:
            return []
        return [
            f"kNN asks {k} neighbours and the smallest class has {smallest} labelled images, so that larger classes"
            f" outvote it: give --knn-k {smallest} or fewer"
        ]

    def _accuracies(self, encoder: Encoder) -> tuple[float | None, float | None, float | None]:
        """Return the share of the images asked for whose neighbours vote for their class, 0–1, the mean of that share
        over the classes where they are uneven, and the share that a linear classifier finds where it is asked for."""
        if self._bank is None or self._queries is None:
            return None, None, None
        bank, bank_labels = self._features(encoder, self._bank)
        queries, labels = self._features(encoder, self._queries)
        votes = knn_votes(
            bank,
            bank_labels,
            queries,
            classes=self._classes,
            k=self._recipe.knn_k,
            temperature=vote_temperature(self._recipe),
        )
        right = votes.argmax(dim=1) == labels
        counts = torch.bincount(labels)
        even = len(set(counts[counts > 0].tolist())) == 1
        probe = None
        if self._recipe.probe:
            self._pause("fitting the linear probe")
            probe = ridge_accuracy(bank, bank_labels, queries, labels=labels, classes=self._classes)
        return int(right.sum()) / len(labels), None if even else mean_per_class(right, labels), probe

    def _features(self, encoder: Encoder, part: Labelled) -> tuple[Tensor, Tensor]:
        features: list[Tensor] = []
        for start in range(0, len(part), _CHUNK):
            self._pause("measuring kNN")
            images = part.images[part.places[start : start + _CHUNK]]
            compute = self._compute
            found = extract_features(encoder, images, self._recipe, device=compute.device, autocast=compute.autocast)
            features.append(found)
        where = self._compute.float64_device
        return torch.cat(features).to(where), torch.from_numpy(part.labels).to(where)

    @torch.no_grad()
    def _health(self, encoder: Encoder, head: ProjectionHead) -> Health:
        """Measure both views of images spread evenly over the training images."""
        count, compute = min(_SAMPLE, len(self._images)), self._compute
        sample = np.linspace(0, len(self._images) - 1, count).astype(np.int64)
        halves: list[tuple[Tensor, ...]] = []
        autocast = torch.autocast(compute.device.type, compute.autocast, enabled=compute.autocast is not None)
        with evaluating(encoder), evaluating(head), autocast:
            for ids in np.split(sample, range(_SAMPLE_CHUNK, count, _SAMPLE_CHUNK)):
                self._pause("measuring health")
                pixels, shapes = whole_images(self._images, ids)
                images = torch.from_numpy(pixels).to(compute.device)
                params = draw_views(self._recipe, _NO_EPOCH, ids, images.shape[-1], shapes=shapes)
                h = encoder(two_views(images, params, self._recipe.image_size, torch.channels_last))
                halves.append((h.float(), *head(h).float().chunk(2)))
        return measure_health(*(torch.cat(parts).to(compute.float64_device) for parts in zip(*halves, strict=True)))

    def _pause(self, doing: str) -> None:
        self._stop.check()
        self._report.busy(doing)
