"""Copy the runs of another store of simclr-tui: whole, except what belongs to a process, a queue or a cluster."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from simclr_tui.errors import NotFoundError, SimclrError, StoreError
from simclr_tui.store.run import Origin, Run
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store

_KEPT_FILES = ("recipe.toml", "state.json", "data.json", "config.json")
_KEPT_FOLDERS = ("evaluations", "checkpoints")


@dataclass(frozen=True)
class Found:
    """Hold a run of another store that can be copied; `digest` tells it from others and from its later states."""

    run: Run
    digest: str


def find_runs(root: Path) -> Iterator[Found | str]:
    """Yield each run of the store that has ended, and a sentence for each that cannot be copied.

    Raises NotFoundError if there is none.
    """
    store = Store(root)
    names = store.names()
    if not names:
        raise NotFoundError(f"there is no run in {root}", "name the folder of a run store")
    for name in names:
        run = store.run(name)
        try:
            info, status = run.info, run.status
            if status.state in OPEN:
                yield f"{name} is {status.state} there: import it after it ends"
                continue
            known = (info.id, status.state, status.step, sorted(one.name for one in run.evaluations))
            yield Found(run, hashlib.sha256(repr(known).encode()).hexdigest())
        except SimclrError as error:
            yield f"{name}: {error.message}"


def copy_run(store: Store, found: Found, name: str, *, origin: Origin) -> Run:
    """Copy the run under that free name, as a read-only run. Raises StoreError, and then leaves nothing behind."""
    source = found.run
    info = source.info
    with store.claiming(name) as run:
        try:
            for file in _KEPT_FILES:
                if (source.path / file).is_file():
                    shutil.copyfile(source.path / file, run.path / file, follow_symlinks=False)
            for folder in (*_KEPT_FOLDERS, *(attempt.root.name for attempt in source.paths.attempts())):
                if (source.path / folder).is_dir():
                    shutil.copytree(source.path / folder, run.path / folder, symlinks=True)
            kept = info.origin or origin  # an encoder from elsewhere stays one
            run.write_info(msgspec.structs.replace(info, name=name, origin=kept))
        except OSError as error:
            shutil.rmtree(run.path, ignore_errors=True)
            why = error.strerror or str(error)
            raise StoreError(f"cannot copy {source.name} to {run.path}: {why}", "see simclr doctor") from None
    return run
