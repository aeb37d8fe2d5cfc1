"""Fine-tune the whole network on a share of the labels, with the settings of §B.5."""

from __future__ import annotations

import copy
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simclr_tui.errors import DivergedError
from simclr_tui.evaluate.augment import crop_and_flip
from simclr_tui.evaluate.context import Context, Outcome
from simclr_tui.evaluate.splits import Ids, balanced_share, batches, batches_of
from simclr_tui.recipe.schedule import learning_rate
from simclr_tui.train.data.batches import Source
from simclr_tui.train.device import to_device
from simclr_tui.train.observe.knn import extract_features
from simclr_tui.train.optim.eager import eager

RATE = 0.05  # times batch / 256
BATCH = 256  # at most
MIN_STEPS = 400  # one percent of a small data set would otherwise get only a few dozen updates
_PAPER_EPOCHS = {0.01: 60}
_EPOCHS = 30


def finetune(context: Context, seed: int, share: float) -> Outcome:
    """Train a copy of the encoder and a linear layer from zero on a class-balanced share; evaluate the last epoch.

    The linear layer is on h, or on the output of the head's first layers where the settings name some (SimCLRv2).

    SGD with Nesterov momentum 0.9, learning rate 0.05·B/256, cosine, no warm-up, no weight decay; crop and flip.
    """
    samples = balanced_share(context.train.labels, share, seed)
    epochs = context.settings.epochs or default_epochs(share, len(samples))
    encoder = copy.deepcopy(context.fine_tuned).requires_grad_(True)
    classifier = nn.Linear(encoder.dim, len(context.classes)).to(context.compute.device)
    nn.init.zeros_(classifier.weight)
    nn.init.zeros_(classifier.bias)
    _train(context, nn.ModuleList([encoder, classifier]), samples, epochs=epochs, seed=seed)
    h = extract_features(
        encoder,
        context.test.images,
        context.recipe,
        device=context.compute.device,
        autocast=context.compute.autocast,
    )
    with torch.no_grad():
        scores = classifier(h)
    return Outcome(
        scores,
        {
            "optimizer": "SGD, Nesterov momentum 0.9, cosine, no warm-up, no weight decay",
            "lr": RATE,
            "epochs": epochs,
            "batch_size": BATCH,
            "share": share,
            "labelled_images": len(samples),
            "augmentation": f"crop of area ≥ {context.recipe.crop_min:g}, flip with p {context.recipe.flip:g}",
            **({"head_layers": context.settings.head_layers} if context.settings.head_layers else {}),
        },
    )


def default_epochs(share: float, labelled: int) -> int:
    """Return the paper's 60 epochs for one percent and 30 for more, but enough for 400 updates."""
    return max(_PAPER_EPOCHS.get(share, _EPOCHS), math.ceil(MIN_STEPS / batches_of(labelled, BATCH)))


def _train(context: Context, model: nn.ModuleList, samples: Ids, *, epochs: int, seed: int) -> None:
    compute = context.compute
    source, labels = Source(context.train.images, compute.device), context.labels(context.train)
    optimizer = eager(torch.optim.SGD)(model.parameters(), lr=RATE, momentum=0.9, nesterov=True)
    steps = batches_of(len(samples), BATCH) * epochs
    peak, step = RATE * len(samples) * epochs / steps / 256, 0
    encoder, classifier = model
    model.train()
    for epoch in range(epochs):
        for ids in batches(samples, BATCH, seed=seed, epoch=epoch):
            images, shapes = source.batch(ids), source.shapes(ids)
            views = crop_and_flip(images, context.recipe, ids, seed=seed, epoch=epoch, shapes=shapes)
            with torch.autocast(compute.device.type, compute.autocast, enabled=compute.autocast is not None):
                logits = classifier(encoder(views))
            loss = F.cross_entropy(logits.float(), labels[to_device(torch.from_numpy(ids), compute.device)])
            optimizer.zero_grad()
            loss.backward()
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, 0, peak)
            optimizer.step()
            step += 1
        _check(loss, epoch)
        context.progress("fine-tuning", epoch + 1, epochs)


def _check(loss: Tensor, epoch: int) -> None:
    if not bool(torch.isfinite(loss)):
        raise DivergedError(
            f"fine-tuning diverged in epoch {epoch + 1}", "evaluate another checkpoint: --step N, or fewer --epochs"
        )
