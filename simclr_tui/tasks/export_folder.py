"""Export an encoder as a folder that stands alone: weights, config, card, and a loader that needs torch alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from simclr_tui.errors import StoreError
from simclr_tui.recipe.cost import BASIC, DEPTHS, stage_widths
from simclr_tui.store.export.target import write_target
from simclr_tui.store.task_replies import Written
from simclr_tui.tasks.model_card import ModelCard, library_loader, to_markdown
from simclr_tui.text import safe
from simclr_tui.train.model.encoder import Encoder

WEIGHTS, CONFIG, CARD, LOADER = "encoder.pt", "config.json", "README.md", "load.py"
_PLAIN = Path(__file__).with_name("plain_resnet.py")


def write_folder(folder: Path, encoder: Encoder, card: ModelCard, *, weights: bytes) -> Written:
    """Write the four files; the weights come last, so that where they are the folder is whole. Raises StoreError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {safe(str(folder))}: {error.strerror}", "give another path") from None
    native = card.recipe.native_encoder
    config = card.metadata() | _config(encoder, card)
    write_target(folder / CONFIG, json.dumps(config, indent=1).encode())
    write_target(folder / LOADER, _PLAIN.read_bytes() if native else library_loader(card).encode())
    write_target(folder / CARD, to_markdown(card).encode())
    write_target(folder / WEIGHTS, weights)
    recipe = card.recipe
    content = f"{recipe.encoder} ×{recipe.width:g}, h of {encoder.dim}, at step {card.step:,}"
    return Written([str(folder), str(folder / CARD)], len(weights), content)


def _config(encoder: Encoder, card: ModelCard) -> dict[str, Any]:
    """Return what the loader reads, in the types of JSON."""
    mean, std = card.statistics or (None, None)
    known: dict[str, Any] = {
        "channels": card.channels, "dim": encoder.dim, "image_size": card.recipe.image_size, "width": card.recipe.width,
        "step": card.step, "mean": mean, "std": std,
    }  # fmt: skip
    if card.recipe.native_encoder:
        name = card.recipe.encoder
        known |= {"planes": list(stage_widths(card.recipe.width)), "depths": list(DEPTHS[name])}
        known["bottleneck"] = name not in BASIC
    return known
