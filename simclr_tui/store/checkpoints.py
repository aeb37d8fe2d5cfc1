"""Checkpoints as files, written before their manifest and verified against it. Tensors are not interpreted here."""

from __future__ import annotations

import hashlib

import msgspec

from simclr_tui.atomic import SYSTEM_OS, Os, write_file
from simclr_tui.paths import RunPaths
from simclr_tui.regular_file import open_regular, read_small
from simclr_tui.store.unreadable import UNREADABLE


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Describe a checkpoint. The manifest is written last: without it, the checkpoint does not exist."""

    step: int
    epoch: float
    file: str
    bytes: int
    sha256: str
    recipe: str
    wall: float
    version: str
    run: str = ""


class _Identity(msgspec.Struct):
    """Hold the field of run.json that identifies the run."""

    id: str = ""


def save(
    paths: RunPaths, data: bytes, *, step: int, epoch: float, recipe: str, wall: float, version: str,
    run: str = "", system: Os = SYSTEM_OS,
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
    )
    write_file(paths.manifest(step), msgspec.json.encode(manifest), system=system)
    return manifest


def run_id(paths: RunPaths) -> str:
    """Return the id of the run, whatever its folder is called; empty if run.json cannot be read."""
    try:
        return msgspec.json.decode(read_small(paths.info), type=_Identity).id
    except UNREADABLE:
        return ""


def manifests(paths: RunPaths) -> list[Manifest]:
    """Return the manifests that can be read and are named after their own step, newest step first."""
    found: list[Manifest] = []
    for path in paths.checkpoints.glob("step-*.json"):
        try:
            manifest = msgspec.json.decode(read_small(path), type=Manifest)
        except UNREADABLE:
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


def prune(paths: RunPaths, keep: int = 2) -> None:
    """Remove all but the newest `keep` checkpoints (at least two), and what a killed save left behind.

    Each manifest is removed before its checkpoint. Only the process that saves may call this.
    """
    for manifest in manifests(paths)[max(keep, 2) :]:
        paths.manifest(manifest.step).unlink(missing_ok=True)
    orphans = [path for path in paths.checkpoints.glob("step-*.pt") if not path.with_suffix(".json").exists()]
    for path in [*orphans, *paths.checkpoints.glob(".*.tmp")]:
        path.unlink(missing_ok=True)
