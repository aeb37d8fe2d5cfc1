"""`python -m simclr_tui.tasks.import_encoder FOLDER SOURCE`: keep an encoder from elsewhere as a run's checkpoint.

Everything of the run is written but run.json, which makes the folder a run and comes last, from whoever claimed it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import torch

from simclr_tui.atomic import write_file
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import CheckpointError, RecipeError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.encoder_source import library_of
from simclr_tui.recipe.fields import fields
from simclr_tui.recipe.recipe import NATIVE_ENCODERS, Recipe
from simclr_tui.recipe.resolve import UNKNOWN, Resolved, to_toml
from simclr_tui.store import checkpoints
from simclr_tui.store.task_replies import ImportedEncoder
from simclr_tui.tasks.reply import send_reply
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.encoder import Encoder
from simclr_tui.train.model.normalized import NormalizedEncoder
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.model.weights.architecture import recognise
from simclr_tui.train.model.weights.initial import remedy
from simclr_tui.train.model.weights.match import fit_weights, wide_border
from simclr_tui.train.model.weights.read import WeightsFile
from simclr_tui.train.model.weights.source import open_source
from simclr_tui.version import __version__

_BY = {"none": "nothing", "imagenet": "ImageNet's mean and deviation", "data": "a mean and deviation of its own"}
_AS_EVALUATED = {"subset": 0, "eval_crop": 1.0}
"""Fields that say how an encoder is evaluated here, and so are known of every one."""
RANDOM = "random"
"""The source that is no source: weights as they are drawn from the seed, which a score is to be compared with."""


def import_encoder(paths: RunPaths, source: str, given: dict[str, Any]) -> ImportedEncoder:
    """Write the encoder of `source` as the run's checkpoint at step 0, with its recipe as far as it is known.

    `given` are the recipe's fields that the caller names. Raises SimclrError where the weights do not fit.
    """
    if source == RANDOM:
        known, file, channels = given, None, given.pop("in_channels", 3)
    else:
        file = open_source(source)
        known, channels = _describe(source, file, given)
    known = {**_AS_EVALUATED, **known}
    recipe = msgspec.convert(known, Recipe).check()
    torch.manual_seed(recipe.seed)
    encoder = build_encoder(recipe, channels)
    words = f"{recipe.encoder} with random weights" if file is None else _load(encoder, file)
    statistics = None if file is None else _statistics(source, file)
    if isinstance(encoder, NormalizedEncoder) and statistics is not None:
        encoder.set_statistics(*statistics)
    words += f"; images are normalised by {_BY[recipe.normalize]}"
    _write(paths, recipe, encoder, known=known)
    return ImportedEncoder(encoder=recipe.encoder, dim=encoder.dim, channels=channels, words=words)


def _describe(source: str, file: WeightsFile, given: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return the fields of the recipe that the weights themselves or their library tell, and the channels."""
    library = library_of(source)
    if library is not None:
        return _describe_library(*library) | given, 3
    told = _describe_file(file) | given
    channels = int(told.pop("in_channels", 3))
    if "encoder" not in told:
        raise RecipeError(
            f"{file.name} holds no ResNet that is known here", "say what it is: --encoder NAME or --encoder timm:NAME"
        )
    return told, channels


def _describe_library(kind: str, name: str) -> dict[str, Any]:
    if kind == "timm":
        import_torchvision()
        import timm

        known = timm.get_pretrained_cfg(name)
        return {"encoder": f"timm:{name.partition('.')[0]}", "normalize": "data", "image_size": known.input_size[-1]}
    native = {"width": 1.0, "stem": "imagenet"} if name in NATIVE_ENCODERS else {}
    return {"encoder": name, "normalize": "imagenet", "image_size": 224, **native}


def _describe_file(file: WeightsFile) -> dict[str, Any]:
    """Return what an export of ours says of itself, else what the names and shapes of a ResNet's tensors say."""
    card = file.metadata
    if card.get("method") == "SimCLR" and {"architecture", "width", "image_size"} <= card.keys():
        stem = {"stem": card["stem"]} if card.get("stem") in ("cifar", "imagenet") else {}
        return {
            "encoder": card["architecture"],
            "width": float(card["width"]),
            "image_size": int(card["image_size"]),
            "in_channels": int(card.get("channels", 3)),
            "normalize": "data" if "mean" in card else "none",
            **({"eval_crop": float(card["eval_crop"])} if "eval_crop" in card else {}),
            **stem,
        }
    found = recognise(file.tensors)
    if found is None:
        return {}
    side = 32 if found.stem == "cifar" else 224
    return {
        "encoder": found.encoder, "width": found.width, "stem": found.stem, "in_channels": found.channels,
        "image_size": side, "normalize": "imagenet" if found.channels == 3 and found.stem == "imagenet" else "none",
    }  # fmt: skip


def _load(encoder: Encoder, file: WeightsFile) -> str:
    try:
        match = fit_weights(file, encoder)
    except CheckpointError as error:
        raise CheckpointError(error.message, remedy(file) or error.hint) from None
    encoder.load_weights(match.tensors)
    left = len(file.tensors) - len(match.tensors)
    where = f" under {match.prefix}" if match.prefix else ""
    differs = wide_border(file, match.prefix)
    return f"{len(match.tensors)} tensors{where} loaded, {left} others left{'; ' if differs else ''}{differs}"


def _statistics(source: str, file: WeightsFile) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Return the mean and deviation that timm or an export of ours gives; None where neither does."""
    if source.startswith("timm:"):
        import timm

        known = timm.get_pretrained_cfg(source.removeprefix("timm:"))
        return None if known is None else (tuple(known.mean), tuple(known.std))
    if {"mean", "std"} <= file.metadata.keys():
        return tuple(json.loads(file.metadata["mean"])), tuple(json.loads(file.metadata["std"]))
    return None


def _write(paths: RunPaths, recipe: Recipe, encoder: Encoder, *, known: dict[str, Any]) -> None:
    sources = {item.key: "import" if item.key in known else UNKNOWN for item in fields()}
    text = to_toml(Resolved(recipe=recipe, preset="", sources=sources)).encode()
    write_file(paths.recipe, text)
    state = {
        "encoder": encoder.state_dict(), "head": {}, "optimizer": {}, "step": 0, "channels": encoder.channels,
        "version": __version__,
    }  # fmt: skip
    buffer = io.BytesIO()
    torch.save(state, buffer)
    checkpoints.save(
        paths, buffer.getvalue(), step=0, epoch=0.0, recipe=hashlib.sha256(text).hexdigest(),
        wall=SYSTEM_CLOCK.wall(), version=__version__,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.import_encoder", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("source", help=f"a file, torchvision:NAME, timm:NAME or {RANDOM}")
    given = parser.parse_args(arguments)
    known = msgspec.json.decode(sys.stdin.buffer.read() or b"{}")
    return send_reply(lambda: import_encoder(RunPaths(given.folder), given.source, known))


if __name__ == "__main__":
    sys.exit(main())
