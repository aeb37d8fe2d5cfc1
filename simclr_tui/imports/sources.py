"""Import the runs of other programs and of other stores as read-only runs: `simclr import KIND:PATH`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from simclr_tui.errors import DataError, NotFoundError, RecipeError, SimclrError, StoreError
from simclr_tui.imports.csv_file import read_csv
from simclr_tui.imports.foreign_run import ForeignRun
from simclr_tui.imports.known_fields import known_fields, recipe_of
from simclr_tui.imports.metric_names import renamed
from simclr_tui.imports.mlflow import read_mlflow
from simclr_tui.imports.other_store import copy_run, find_runs
from simclr_tui.imports.tensorboard import read_tensorboard
from simclr_tui.imports.wandb import read_wandb
from simclr_tui.imports.write import is_free, write_run
from simclr_tui.paths import expand_user
from simclr_tui.recipe.fields import Value
from simclr_tui.store.origins import runs_from_elsewhere
from simclr_tui.store.run import Origin, Run
from simclr_tui.store.store import Store
from simclr_tui.text import reason, safe, storable

READERS: dict[str, Callable[[Path], Iterator[ForeignRun | str]]] = {
    "tensorboard": read_tensorboard,
    "csv": read_csv,
    "wandb": read_wandb,
    "mlflow": read_mlflow,
}
STORE = "store"
KINDS = (*READERS, STORE)
FORMS = "tensorboard:DIR, csv:FILE, wandb:DIR, mlflow:DIR or store:DIR"
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._+=-]+")


@dataclass
class Imported:
    """Hold what an import came to: `runs` with a sentence each, and `refused`, what could not be imported and why."""

    runs: list[tuple[Run, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def import_runs(
    store: Store, source: str, *, names: Mapping[str, str], fields: Mapping[str, Value], name: str | None = None
) -> Imported:
    """Import every run of `KIND:PATH`; one that was imported before and has not changed is found again.

    `names` maps the source's metrics to ours, `fields` gives what the user knows of the recipe, `name` that of a single
    run. One run that cannot be read does not keep the others out. Raises SimclrError if there is nothing to import.
    """
    kind, colon, given = source.partition(":")
    if not colon or kind not in KINDS or not given:
        raise RecipeError(f"cannot import {safe(source)!r}", f"give {FORMS}")
    path = expand_user(given)
    _check(kind, path)
    known = dict(runs_from_elsewhere(store))
    result = Imported()
    if kind == STORE:
        _import_store(store, path, result, known=known)
        return result
    read = list(_read(kind, path))
    found = [one for one in read if not isinstance(one, str)]
    result.refused += [one for one in read if isinstance(one, str)]
    if name is not None and len(found) > 1:
        raise RecipeError(f"{safe(source)} holds {len(found)} runs, for which --name gives one name", "leave it out")
    for run in found:
        if (before := known.get(run.digest)) is not None:
            result.runs.append((before, f"{run.name} was imported before"))
            continue
        try:
            series, said = renamed(run, names)
            if not series:
                raise DataError(f"{run.source} holds no metrics", "nothing was imported from it")
        except SimclrError as error:
            result.refused.append(str(error))
            continue
        free = name or _free_name(store, run.name, kind)
        resolved = recipe_of(known_fields(run.config), kind, fields)
        words = "; ".join([f"{len(series)} metric{'s' * (len(series) > 1)}", *said, *run.remarks])
        origin = Origin(
            kind="import", source=storable(f"{kind}:{run.source}"), sha256=run.digest, words=storable(words)
        )
        result.runs.append((write_run(store, run, series, name=free, resolved=resolved, origin=origin), words))
    return result


def _check(kind: str, path: Path) -> None:
    """Raise NotFoundError unless there is what that kind of source is."""
    if kind == "csv" and path.is_file():
        return
    if path.is_dir() and kind != "csv":
        return
    if path.is_file() and kind in ("wandb", "mlflow"):
        return
    what = "file" if kind == "csv" else "folder"
    raise NotFoundError(f"there is no {what} {safe(str(path))}", f"give {FORMS}")


def _read(kind: str, path: Path) -> Iterator[ForeignRun | str]:
    """Yield what a reader finds, with what it raises as errors that say what to do."""
    try:
        yield from READERS[kind](path)
    except OSError as error:
        raise StoreError(f"cannot read {safe(str(error.filename or path))}: {error.strerror}", "check it") from None
    except ValueError as error:  # damaged beyond reading
        raise DataError(f"cannot read {safe(str(path))} as {kind}: {reason(error)}", f"give {FORMS}") from None


def _import_store(store: Store, path: Path, result: Imported, *, known: Mapping[str, Run]) -> None:
    if path.resolve() == store.root.resolve():
        raise RecipeError("that is the store to import into", "give another --runs, or another store")
    for found in find_runs(path):
        if isinstance(found, str):
            result.refused.append(found)
        elif (before := known.get(found.digest)) is not None:
            result.runs.append((before, f"{found.run.name} was imported before"))
        else:
            source = storable(f"{STORE}:{found.run.path.absolute()}")
            origin = Origin(kind="import", source=source, sha256=found.digest, words="copied whole")
            name = _free_name(store, found.run.name, STORE)
            result.runs.append((copy_run(store, found, name, origin=origin), "copied whole"))


def _free_name(store: Store, name: str, kind: str) -> str:
    """Return the run's own name; where it is taken, with the source's kind before it, and then a number behind it."""
    word = _NOT_A_NAME.sub("-", name).strip("-._+=")[:60] or "run"
    word = f"{word}-" if word.endswith((".tmp", ".db")) else word
    candidate, number = word, 1
    while not is_free(store, candidate):
        candidate = f"{kind}-{word}" if number == 1 else f"{kind}-{word}-{number}"
        number += 1
    return candidate
