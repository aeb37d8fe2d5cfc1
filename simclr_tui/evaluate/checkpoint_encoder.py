"""Load the encoder of one checkpoint of a run for evaluation: on the device, in eval mode, without gradients."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import torch

from simclr_tui.errors import CheckpointError
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.checkpoints import Manifest
from simclr_tui.store.run import Run
from simclr_tui.train.device import Compute, choose_compute
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.head import ProjectionHead, build_head
from simclr_tui.train.persist.checkpoint import build_from, load_newest, load_step


@dataclass(frozen=True)
class LoadedEncoder:
    """Hold an encoder ready to be evaluated.

    `newest` is False when an older checkpoint was requested by its step. `damages` has a sentence for each damaged
    checkpoint that was skipped. `head` is None for an encoder from elsewhere, which came without one.
    """

    run: Run
    recipe: Recipe
    manifest: Manifest
    newest: bool
    damages: tuple[str, ...]
    encoder: Encoder
    head: ProjectionHead | None
    compute: Compute


def load_checkpoint_encoder(
    run: Run, step: int | None = None, *, device: str | None = None, threads: int | None = None
) -> LoadedEncoder:
    """Load the newest usable checkpoint, or the one at `step`. `device` and `threads` override the recipe's.

    Raises CheckpointError, NotFoundError or RecipeError.
    """
    recipe = run.recipe
    changes = {name: value for name, value in (("device", device), ("threads", threads)) if value is not None}
    # fp16's small gradients would vanish in fine-tuning, which has no loss scale.
    precision = "auto" if recipe.precision == "fp16" else recipe.precision
    compute = choose_compute(msgspec.structs.replace(recipe, precision=precision, **changes))
    if compute.device.type == "mps":  # the protocols compute in float64, which an Apple GPU does not have
        compute = Compute(torch.device("cpu"), None)
    known = run.checkpoints
    state, damages = load_newest(run.paths) if step is None else (load_step(run.paths, step), [])
    if state is None:
        raise run.lacks_checkpoint()
    known += run.checkpoints  # a running trainer may have saved or removed one meanwhile
    manifest = next((found for found in known if found.step == state["step"]), None)
    if manifest is None:
        raise CheckpointError(f"{run.name} is replacing its checkpoints", "try again")
    encoder = build_from(recipe, state).requires_grad_(False)
    encoder = encoder.to(device=compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = build_head(recipe, encoder.dim) if state["head"] else None
    if head is not None:
        head.load_state_dict(state["head"])
        head = head.requires_grad_(False).eval().to(compute.device)
    newest = step is None or step == max(found.step for found in known)
    return LoadedEncoder(run, recipe, manifest, newest, tuple(damages), encoder.eval(), head, compute)
