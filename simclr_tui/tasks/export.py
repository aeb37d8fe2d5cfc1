"""`python -m simclr_tui.tasks.export RUN_DIR TARGET`: the encoder f of a run's newest checkpoint, as a file."""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from simclr_tui.errors import RecipeError
from simclr_tui.store.export.target import not_installed, write_target
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Written
from simclr_tui.tasks.model_card import About, loading_text
from simclr_tui.tasks.reply import answer
from simclr_tui.text import safe
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.persist.checkpoint import newest_encoder
from simclr_tui.version import __version__

Write = Callable[[Encoder, About], bytes]


def export(run: Run, target: Path) -> Written:
    """Write the encoder in the format of `target`'s suffix; beside it TARGET.md says what it is and how to load it.

    The file comes last: where it is, both are whole. Raises SimclrError.
    """
    if target.suffix not in _FORMATS:
        raise RecipeError(f"no format {safe(target.suffix)!r}", f"formats are {', '.join(_FORMATS)}")
    encoder, step = newest_encoder(run)
    about = About(
        file=target.name,
        run=run.name,
        recipe=run.recipe,
        dim=encoder.dim,
        stem=encoder.stem,
        lines=encoder.lines,
        step=step,
        recipe_sha256=hashlib.sha256(run.paths.recipe.read_bytes()).hexdigest(),
        version=__version__,
    )
    data = _FORMATS[target.suffix](encoder, about)
    readme = target.with_name(f"{target.name}.md")
    write_target(readme, loading_text(about).encode())
    write_target(target, data)
    recipe = run.recipe
    content = f"{recipe.encoder} ×{recipe.width:g}, h of {encoder.dim}, at step {step:,}"
    return Written([str(target), str(readme)], len(data), content)


def as_state_dict(encoder: Encoder, _about: About) -> bytes:
    """What torch.load reads with weights_only=True."""
    buffer = io.BytesIO()
    torch.save(encoder.weights(), buffer)
    return buffer.getvalue()


def as_safetensors(encoder: Encoder, about: About) -> bytes:
    """The state dict, what it is in its metadata."""
    try:
        from safetensors.torch import save
    except ImportError:
        raise not_installed("safetensors", "a .safetensors file") from None
    # Copies, for the format holds no views: neither strides nor two names of one tensor.
    weights = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in encoder.weights().items()}
    data: bytes = save(weights, metadata=about.metadata())
    return data


def _as_onnx(encoder: Encoder, about: About) -> bytes:
    from simclr_tui.tasks.onnx import as_onnx

    return as_onnx(encoder, about)


_FORMATS: dict[str, Write] = {".safetensors": as_safetensors, ".pt": as_state_dict, ".onnx": _as_onnx}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.export", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("target", type=Path, help="F.safetensors, F.pt or F.onnx")
    given = parser.parse_args(arguments)
    return answer(lambda: export(Run(given.run), given.target))


if __name__ == "__main__":
    sys.exit(main())
