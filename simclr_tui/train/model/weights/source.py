"""Open trained weights by what a person calls them: a file, a run, torchvision:NAME or timm:NAME."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from simclr_tui.errors import CheckpointError, NotFoundError, RecipeError
from simclr_tui.recipe.datasets import offline
from simclr_tui.recipe.encoder_source import library_of
from simclr_tui.store.export.target import not_installed
from simclr_tui.text import did_you_mean, reason, safe
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.model.weights.match import refuse_taken_apart
from simclr_tui.train.model.weights.read import WeightsFile, read_weights


def open_source(source: str) -> WeightsFile:
    """Return the weights that a file or a library holds. Raises SimclrError where there are none, or no way to them."""
    library = library_of(source)
    if library is None:
        path = Path(source).expanduser()
        if not path.is_file():
            raise NotFoundError(
                f"there is no file {safe(source)}", "give a file of weights, torchvision:NAME or timm:NAME"
            )
        file = read_weights(path)
        refuse_taken_apart(file)
        return file
    kind, name = library
    try:
        return _of_torchvision(name) if kind == "torchvision" else _of_timm(name)
    except (OSError, RuntimeError) as error:  # a download that fails raises either, and so does a damaged file
        raise CheckpointError(
            f"the weights of {source} are not in its cache and cannot be fetched: {reason(error)}",
            f"fetch the file elsewhere and give it in place of {source}",
        ) from None


def _of_torchvision(name: str) -> WeightsFile:
    models = import_torchvision().models
    if name not in models.list_models(module=models):
        names = models.list_models(module=models)
        raise RecipeError(
            f"torchvision has no model {safe(name)!r}", did_you_mean(name, names) or "see its list_models()"
        )
    weights = models.get_model_weights(name).DEFAULT
    cached = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if offline() and not cached.is_file():
        raise OSError("SIMCLR_OFFLINE is set")
    return WeightsFile(Path(weights.url.rpartition("/")[2]), dict(weights.get_state_dict(progress=False)))


def _of_timm(name: str) -> WeightsFile:
    import_torchvision()
    if offline():
        os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read when timm imports the hub's client
    try:
        import timm
    except ImportError:
        raise not_installed("timm", "an encoder called timm:NAME", extra="encoders") from None
    if not timm.is_model(name):
        raise RecipeError(f"timm has no encoder {safe(name)!r}", did_you_mean(name, timm.list_models()) or "")
    generator = torch.get_rng_state()  # building the model draws, and a run's own draws must not depend on that
    try:
        model = timm.create_model(name, pretrained=True)
    finally:
        torch.set_rng_state(generator)
    return WeightsFile(Path(f"{name}.timm"), dict(model.state_dict()))
