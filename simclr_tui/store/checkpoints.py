"""Checkpoints as files, written before their manifest and verified against it. Tensors are not interpreted here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from simclr_tui.atomic import SYSTEM_OS, Os, write_file
from simclr_tui.errors import NotFoundError, RecipeError
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import open_regular, read_small
from simclr_tui.store.unreadable import UNREADABLE, refuse_unanswered


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Describe a checkpoint. The manifest is written last: without it, the checkpoint does not exist.

    `knn` is the kNN accuracy (0–1) of its encoder on the validation images, where the best checkpoint is chosen by it.
    """

    step: int
    epoch: float
    file: str
    bytes: int
    sha256: str
    recipe: str
    wall: float
    version: str
    run: str = ""
    knn: float | None = None


class _Identity(msgspec.Struct):
    """Hold the field of run.json that identifies the run."""

    id: str = ""


def save(
    paths: RunPaths, data: bytes, *, step: int, epoch: float, recipe: str, wall: float, version: str,
    run: str = "", knn: float | None = None, system: Os = SYSTEM_OS,
) -> Manifest:  # fmt: skip
    """Write a checkpoint, then its manifest. Raises OSError, and then earlier checkpoints are unchanged."""
    target = paths.checkpoint(step)
    write_file(target, data, system=system)
    manifest = Manifest(
        step=step,
        epoch=epoch,
        file=target.name,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        recipe=recipe,
        wall=wall,
        version=version,
        run=run,
        knn=knn,
    )
    write_file(paths.manifest(step), msgspec.json.encode(manifest), system=system)
    return manifest


def run_id(paths: RunPaths, *, strict: bool = False) -> str:
    """Return the id of the run, whatever its folder is called; empty if run.json cannot be read.

    With `strict`, raises UnansweredError where that may pass.
    """
    try:
        return msgspec.json.decode(read_small(paths.info), type=_Identity).id
    except UNREADABLE as error:
        if strict:
            refuse_unanswered(error, f"run.json of {paths.root.name}")
        return ""


def manifests(paths: RunPaths, *, strict: bool = False) -> list[Manifest]:
    """Return the manifests that can be read and are named after their own step, newest step first.

    With `strict`, raises UnansweredError where one may be whole but cannot be read at the moment.
    """
    found: list[Manifest] = []
    for path in paths.checkpoints.glob("step-*.json"):
        try:
            manifest = msgspec.json.decode(read_small(path), type=Manifest)
        except UNREADABLE as error:
            if strict:
                refuse_unanswered(error, f"{path.name} of {paths.root.name}")
            continue
        if path == paths.manifest(manifest.step):
            found.append(manifest)
    return sorted(found, key=lambda manifest: manifest.step, reverse=True)


def load(paths: RunPaths, manifest: Manifest) -> bytes | str:
    """Return the bytes of a checkpoint, or a sentence that says what is wrong with it."""
    path = paths.checkpoint(manifest.step)
    if manifest.run and manifest.run != (run_id(paths) or manifest.run):
        return f"{path.name} was saved by another run"
    try:
        with open_regular(path) as file:
            data = file.read(manifest.bytes + 1)
    except OSError as error:
        return f"{path.name} cannot be read ({error.strerror})"
    if len(data) != manifest.bytes:
        return f"{path.name} has {len(data)} bytes instead of {manifest.bytes}"
    if hashlib.sha256(data).hexdigest() != manifest.sha256:
        return f"{path.name} does not match its checksum"
    return data


def best_of(known: Iterable[Manifest]) -> Manifest | None:
    """Return the checkpoint with the highest validation kNN, the earliest of equals; None where none has one."""
    measured = [manifest for manifest in known if manifest.knn is not None]
    return max(measured, key=lambda manifest: (manifest.knn, -manifest.step), default=None)


def chosen_step(paths: RunPaths, which: str) -> int | None:
    """Return the step of the checkpoint that `which` names: newest (None), best, or a step.

    Raises NotFoundError if the run has no such checkpoint, and RecipeError if `which` is none of these.
    """
    if which == "newest":
        return None
    known, name = manifests(paths), paths.root.name
    if which == "best":
        best = best_of(known)
        if best is None:
            raise NotFoundError(
                f"{name} has no best checkpoint: none was saved with a kNN accuracy on validation images",
                "take the newest, or train with --knn-every, --knn-on validation and --keep-best",
            )
        return best.step
    if not (which.isascii() and which.isdigit()):
        raise RecipeError(f"--checkpoint is newest, best or a step, not {which!r}", "see simclr show")
    return known_step(name, int(which), known)


def known_step(name: str, step: int, known: list[Manifest]) -> int:
    """Return `step`. Raises NotFoundError unless one of the run's checkpoints was saved there."""
    steps = sorted(manifest.step for manifest in known)
    if step not in steps:
        raise NotFoundError(
            f"{name} has no checkpoint at step {step}", f"there are: {', '.join(map(str, steps)) or 'none'}"
        )
    return step


def prune(paths: RunPaths, keep: int = 2, best: Manifest | None = None) -> None:
    """Remove all but the best and the newest `keep` checkpoints (at least two), and what a killed save left behind.

    Each manifest is removed before its checkpoint. Only the process that saves may call this, which knows the best:
    damaged checkpoints of a part that is trained again may claim more.
    """
    for manifest in manifests(paths)[max(keep, 2) :]:
        if best is None or manifest.step != best.step:
            paths.manifest(manifest.step).unlink(missing_ok=True)
    orphans = [path for path in paths.checkpoints.glob("step-*.pt") if not path.with_suffix(".json").exists()]
    for path in [*orphans, *paths.checkpoints.glob(".*.tmp")]:
        path.unlink(missing_ok=True)
