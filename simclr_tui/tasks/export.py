"""`python -m simclr_tui.tasks.export RUN_DIR TARGET`: export the encoder f of a run's checkpoint."""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from simclr_tui.errors import RecipeError
from simclr_tui.store.data_facts import DataFacts, read_data_facts
from simclr_tui.store.export.target import not_installed, write_target
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Written
from simclr_tui.tasks.export_folder import WEIGHTS, write_folder
from simclr_tui.tasks.model_card import ModelCard, to_markdown
from simclr_tui.tasks.reply import send_reply
from simclr_tui.text import safe
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.normalized import NormalizedEncoder
from simclr_tui.train.persist.checkpoint import encoder_at
from simclr_tui.version import __version__

Write = Callable[[Encoder, ModelCard], bytes]


def export(run: Run, target: Path, step: int | None = None, *, folder: bool = False) -> Written:
    """Write the encoder in the format of `target`'s suffix, and TARGET.md, which says how to load it.

    It is that of the checkpoint at `step`, or of the newest. Its file is written last: where it exists, both are
    complete. With `folder`, `target` becomes a folder that stands alone. Raises SimclrError.
    """
    if target.suffix not in _FORMATS and not folder:
        raise RecipeError(f"unknown format {safe(target.suffix)!r}", f"choose from {', '.join(_FORMATS)}")
    encoder, trained = encoder_at(run, step)
    card = _card(run, encoder, trained, file=WEIGHTS if folder else target.name, in_folder=folder)
    if folder:
        return write_folder(target, encoder, card, weights=as_state_dict(encoder, card))
    data = _FORMATS[target.suffix](encoder, card)
    readme = target.with_name(f"{target.name}.md")
    write_target(readme, to_markdown(card).encode())
    write_target(target, data)
    recipe = run.recipe
    content = f"{recipe.encoder} ×{recipe.width:g}, h of {encoder.dim}, at step {trained:,}"
    return Written([str(target), str(readme)], len(data), content)


def _card(run: Run, encoder: Encoder, step: int, *, file: str, in_folder: bool) -> ModelCard:
    return ModelCard(
        file=file,
        run=run.name,
        recipe=run.recipe,
        channels=encoder.channels,
        dim=encoder.dim,
        stem=encoder.stem,
        source_lines=encoder.source_lines,
        step=step,
        recipe_sha256=hashlib.sha256(run.paths.recipe.read_bytes()).hexdigest(),
        version=__version__,
        statistics=encoder.statistics if isinstance(encoder, NormalizedEncoder) else None,
        values=_values(read_data_facts(run.path)),
        in_folder=in_folder,
    )


def _values(facts: DataFacts | None) -> str:
    """Say which of the images' own values are 0 and 1, where that is not what 8 bits mean."""
    if facts is None or not facts.low:
        return ""
    pairs = [f"{low:g} is 0 and {high:g} is 1" for low, high in zip(facts.low, facts.high, strict=True)]
    if len(set(pairs)) == 1:
        return f"of the images' own values {pairs[0]}"
    named = (f"{name}: {pair}" for name, pair in zip(facts.channel_names, pairs, strict=False))
    return "of the images' own values " + ", ".join(named)


def as_state_dict(encoder: Encoder, _card: ModelCard) -> bytes:
    """Return a state dict that torch.load reads with weights_only=True."""
    buffer = io.BytesIO()
    torch.save(encoder.weights(), buffer)
    return buffer.getvalue()


def as_safetensors(encoder: Encoder, card: ModelCard) -> bytes:
    """Return a safetensors file of the state dict, described in its metadata."""
    try:
        from safetensors.torch import save
    except ImportError:
        raise not_installed("safetensors", "a .safetensors file", "safetensors") from None
    # Copied: the format stores neither strides nor two names for one tensor.
    weights = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in encoder.weights().items()}
    data: bytes = save(weights, metadata=card.metadata())
    return data


def _as_onnx(encoder: Encoder, card: ModelCard) -> bytes:
    from simclr_tui.tasks.onnx import as_onnx

    return as_onnx(encoder, card)


_FORMATS: dict[str, Write] = {".safetensors": as_safetensors, ".pt": as_state_dict, ".onnx": _as_onnx}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.export", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("target", type=Path, help="F.safetensors, F.pt or F.onnx")
    parser.add_argument("--step", type=int, help="step of the checkpoint (default: the newest)")
    parser.add_argument("--folder", action="store_true", help="write a folder that stands alone")
    given = parser.parse_args(arguments)
    return send_reply(lambda: export(Run(given.run), given.target, given.step, folder=given.folder))


if __name__ == "__main__":
    sys.exit(main())
