"""Save and load checkpoints: everything a run needs to go on exactly, and its encoder.

Every random draw is a pure function of seed and step, so the state is the tensors and the step. Files are read
with `weights_only=True` alone: a checkpoint from a stranger can hold numbers, never code.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from typing import Any

import torch

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import CheckpointError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store import checkpoints
from simclr_tui.store.run import Run
from simclr_tui.text import reason
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.version import __version__


def save(
    paths: RunPaths, state: dict[str, Any], step: int, *, epoch: float, knn: float | None = None,
    best: checkpoints.Manifest | None = None,
) -> checkpoints.Manifest:  # fmt: skip
    """Write the state after `step` updates, then remove all but the newest two and the best.

    `knn` is the validation accuracy of this state, `best` the checkpoint that was best so far. Raises OSError; the
    old ones stay.
    """
    buffer = io.BytesIO()
    torch.save({**state, "version": __version__}, buffer)
    manifest = checkpoints.save(
        paths,
        buffer.getvalue(),
        step=step,
        epoch=epoch,
        recipe=hashlib.sha256(paths.recipe.read_bytes()).hexdigest(),
        wall=SYSTEM_CLOCK.wall(),
        version=__version__,
        run=checkpoints.run_id(paths),
        knn=knn,
    )
    checkpoints.prune(paths, best=checkpoints.best_of(filter(None, (best, manifest))))
    return manifest


def load_newest(paths: RunPaths, device: torch.device | str = "cpu") -> tuple[dict[str, Any] | None, list[str]]:
    """Return the newest checkpoint that matches its manifest, and a sentence for each newer one that does not.

    Returns (None, []) where none was ever written. Raises CheckpointError where all are damaged: a run is never
    silently started anew.
    """
    damages: list[str] = []
    for manifest in checkpoints.manifests(paths):
        data = checkpoints.load(paths, manifest)
        if isinstance(data, bytes):
            state = _decode(data, device)
            if isinstance(state, dict):
                return state, damages
            data = f"{manifest.file} is not a checkpoint ({state})"
        damages.append(data)
    if damages or any(paths.checkpoints.glob("step-*.json")):
        raise CheckpointError(
            f"no checkpoint of {paths.root.name} can be used: {'; '.join(damages) or 'their manifests are damaged'}",
            f"start again from its recipe: simclr clone {paths.root.name}",
        )
    return None, []


def load_step(paths: RunPaths, step: int, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Return the checkpoint after `step` updates. Raises NotFoundError, or CheckpointError where it is damaged."""
    known = checkpoints.manifests(paths)
    checkpoints.known_step(paths.root.name, step, known)
    data = checkpoints.load(paths, next(manifest for manifest in known if manifest.step == step))
    state = data if isinstance(data, str) else _decode(data, device)
    if isinstance(state, str):
        raise CheckpointError(f"the checkpoint at step {step} cannot be used: {state}", "take the newest: no --step")
    return state


def _decode(data: bytes, device: torch.device | str) -> dict[str, Any] | str:
    try:
        state = torch.load(io.BytesIO(data), map_location=device, weights_only=True)
    except (RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        return reason(error)
    known = isinstance(state, dict) and {"encoder", "head", "optimizer", "step"} <= state.keys()
    return state if known else "unknown content"


def newest_encoder(run: Run) -> tuple[Encoder, int]:
    """Return a run's newest encoder, in eval mode on the CPU, and its step. Raises CheckpointError."""
    return encoder_at(run, None)


def encoder_at(run: Run, step: int | None) -> tuple[Encoder, int]:
    """Return a run's encoder after `step` updates (None: the newest), in eval mode on the CPU, and its step.

    Raises CheckpointError, or NotFoundError where no checkpoint was saved at that step.
    """
    state = load_newest(run.paths)[0] if step is None else load_step(run.paths, step)
    if state is None and run.info.origin is not None:
        raise CheckpointError(f"{run.name} was imported without a checkpoint", "import its weights: simclr eval FILE")
    if state is None:
        raise run.lacks_checkpoint()
    return build_from(run.recipe, state), int(state["step"])


def build_from(recipe: Recipe, state: dict[str, Any]) -> Encoder:
    """Return the encoder of a checkpoint's state, in eval mode on the CPU."""
    encoder = build_encoder(recipe, state.get("channels", 3))  # 0.1 trained on RGB alone and wrote no number
    encoder.load_state_dict(state["encoder"])
    return encoder.eval()
