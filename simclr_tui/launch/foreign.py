"""Read-only runs: an encoder trained elsewhere, or a baseline, stored and evaluated beside the store's own runs.

Such a run has as much of a recipe as is known, one checkpoint at step 0, and whatever evaluations are made of it. It
is finished from the start and is never trained here.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import RecipeError, SimclrError, StoreError
from simclr_tui.group_mode import make_folder
from simclr_tui.launch.tasks import import_encoder as write_encoder
from simclr_tui.recipe.datasets import check_data
from simclr_tui.recipe.encoder_source import is_encoder_source, library_of
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.evaluations import read_evaluation
from simclr_tui.store.origins import runs_from_elsewhere
from simclr_tui.store.run import FORMAT, Origin, Run, RunInfo
from simclr_tui.store.state import State, write_state
from simclr_tui.store.store import Store
from simclr_tui.text import storable
from simclr_tui.version import __version__

RANDOM = "random"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._+=-]+")


def import_encoder(
    store: Store, source: str, known: Mapping[str, Any], *, name: str | None = None, quiet: bool = False
) -> Run:
    """Store the encoder of a file, a library or (`random`) a recipe as a read-only run with the fields in `known`.

    The same encoder with the same fields is imported once and found again. Raises SimclrError, and then leaves
    nothing behind.
    """
    library = library_of(source)
    is_file = source != RANDOM and library is None
    sha256 = _digest(Path(source).expanduser()) if is_file else ""
    fingerprint = _fingerprint(source if not is_file else sha256, known)
    found = None if name else _find(store, fingerprint)
    if found is not None:
        return found
    kind = "baseline" if source == RANDOM else "encoder"
    with store.claiming(name or _free_name(store, source, known)) as run:
        try:
            make_folder(run.paths.checkpoints, exist_ok=True)
            make_folder(run.paths.evaluations, exist_ok=True)
            imported = write_encoder(run.path, source, known, quiet=quiet)
            write_state(run.paths, State(state="finished", since=SYSTEM_CLOCK.wall(), reason="imported"), durable=True)
            given = str(Path(source).expanduser().absolute()) if is_file else source
            origin = Origin(kind=kind, source=given, sha256=fingerprint, words=imported.words)  # type: ignore[arg-type]
            run.write_info(_info(run, origin))
        except (SimclrError, OSError) as error:
            shutil.rmtree(run.path, ignore_errors=True)
            if isinstance(error, OSError):
                raise StoreError(f"cannot write {run.path}: {error.strerror}", "see simclr doctor") from None
            raise
    return run


def run_to_evaluate(
    store: Store,
    word: str | None,
    known: Mapping[str, Any],
    *,
    baseline: bool = False,
    name: str | None = None,
    find: Callable[[Store, str], Run] = Store.find,
) -> Run:
    """Return the run that a word names, else the read-only run of the encoder that it names or of a random one.

    `known` holds fields of the recipe, `data` among them. For a baseline the word may name a run, whose encoder is
    then taken with random weights. `find` looks up a run. Raises SimclrError.
    """
    if baseline:
        like = _encoder_fields(find(store, word)) if word else {}
        return import_encoder(store, RANDOM, _with_data({**like, **known}), name=name)
    if word is None:
        raise RecipeError("nothing to evaluate", "name a run, a file of weights, torchvision:NAME or timm:NAME")
    if word in store.names() or not is_encoder_source(word):
        return _own(find(store, word), known)
    return import_encoder(store, word, _with_data(known), name=name)


_OF_ENCODERS = ("encoder", "image_size", "normalize", "eval_crop")


def _own(run: Run, known: Mapping[str, Any]) -> Run:
    """Return a run of the store. Raises RecipeError if fields are given that its recipe already holds."""
    given = next((name for name in _OF_ENCODERS if name in known), None)
    if given is None:
        return run
    flag = f"--{given.replace('_', '-')}"
    raise RecipeError(f"{run.name} is evaluated by its own recipe, not by {flag}", f"leave {flag} out")


_ENCODER_FIELDS = (
    "data",
    "subset",
    "image_size",
    "encoder",
    "width",
    "stem",
    "zero_init",
    "normalize",
    "knn_k",
    "knn_weights",
    "eval_crop",
    "seed",
)


def _encoder_fields(run: Run) -> dict[str, Any]:
    known = {key: getattr(run.recipe, key) for key in _ENCODER_FIELDS}
    facts = read_data_facts(run.path)
    return known if facts is None else {**known, "in_channels": facts.channels}


def _with_data(known: Mapping[str, Any]) -> Mapping[str, Any]:
    if "data" not in known:
        raise RecipeError("an encoder from elsewhere has no data of its own", "say what to evaluate it on: --data")
    check_data(known["data"])
    return known


def record_knn(run: Run) -> None:
    """Record a read-only run's kNN for listings if it was measured as a trainer measures it."""
    found = read_evaluation(run.paths, "knn")
    if found is None or run.info.origin is None:
        return
    k = min(run.recipe.knn_k, found.train_images)
    equal = run.recipe.knn_weights == "equal"
    used = {name: value for name, value in found.hyperparameters.items() if name != "eval_crop"}
    if used != {"k": k, **({"weights": "equal"} if equal else {"temperature": 0.1})}:
        return
    summary = {"knn": found.top1, "knn_best": found.top1}
    write_state(run.paths, msgspec.structs.replace(run.status, summary=summary))


def _info(run: Run, origin: Origin) -> RunInfo:
    return RunInfo(
        format=FORMAT,
        id=uuid.uuid4().hex,
        name=run.name,
        created=SYSTEM_CLOCK.wall(),
        version=__version__,
        command=[storable(word) for word in sys.argv],  # a path need not be UTF-8
        host=platform.node(),
        tags=[origin.kind],
        note=f"{origin.source}: {origin.words}",
        origin=origin,
    )


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}", "give a file of weights") from None
    return digest.hexdigest()


def _fingerprint(content: str, known: Mapping[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode([content, sorted(known.items())])).hexdigest()


def _find(store: Store, fingerprint: str) -> Run | None:
    found = (run for digest, run in runs_from_elsewhere(store) if digest == fingerprint and run.checkpoints)
    return next(found, None)


def _free_name(store: Store, source: str, known: Mapping[str, Any]) -> str:
    """Return a free name that shows the source: `torchvision-resnet50`, `random-resnet18`, or the file's own name."""
    library = library_of(source)
    word = (
        f"random-{known.get('encoder', 'resnet18')}" if source == RANDOM else "-".join(library or (Path(source).stem,))
    )
    word = _NOT_A_NAME.sub("-", word).strip("-._+=")[:60] or "encoder"
    taken, number, name = set(store.entries()), 1, word
    while name in taken:
        number += 1
        name = f"{word}-{number}"
    return name
