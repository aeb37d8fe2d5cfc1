"""Sweeps of a store, as files: `.sweeps/NAME/` holds the sweep, the recipe it varies and the sampler's journal."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Literal

import msgspec

from simclr_tui.atomic import Lock, write_file
from simclr_tui.errors import NotFoundError, StoreError
from simclr_tui.group_mode import make_folder
from simclr_tui.paths import SWEEPS
from simclr_tui.recipe.resolve import Resolved, from_toml, to_toml
from simclr_tui.regular_file import read_small, read_small_text
from simclr_tui.store.names import check_name, natural_key
from simclr_tui.store.slurm_file import Resources
from simclr_tui.store.store import Store
from simclr_tui.store.unreadable import UNREADABLE
from simclr_tui.sweep.axes import Axis, Values
from simclr_tui.text import did_you_mean, safe

SamplerName = Literal["grid", "random", "tpe"]
PrunerName = Literal["none", "median", "hyperband"]


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Hold the contents of sweep.json.

    `listed` holds the trials of a grid or a sweep file, `published` the paper's figure for each; `stopped` is True once
    the user stopped the sweep; `parallel` is how many trials an adaptive sampler has under way; `slurm` holds the
    resources of each run's job (None: this machine's queue).
    """

    name: str
    sampler: SamplerName
    trials: int
    seeds: tuple[int, ...]
    axes: tuple[Axis, ...] = ()
    listed: tuple[Values, ...] = ()
    published: tuple[float | None, ...] = ()
    published_as: str = ""
    title: str = ""
    prune: PrunerName = "none"
    seed: int = 0
    parallel: int = 1
    priority: int = 0
    slurm: Resources | None = None
    stopped: bool = False

    @property
    def tag(self) -> str:
        return f"sweep:{self.name}"

    @property
    def varied(self) -> list[str]:
        """Return the short names of the fields in which trials differ."""
        listed = dict.fromkeys(map(tuple, self.listed))  # the trials of a grid all vary the same fields
        return list(dict.fromkeys([*(axis.name for axis in self.axes), *itertools.chain.from_iterable(listed)]))


class SweepFolder:
    """Read and write the folder of one sweep."""

    def __init__(self, store: Store, name: str) -> None:
        self.root = store.root / SWEEPS / name
        self.claim_lock = Lock(self.root / "claim.lock")

    @property
    def lock(self) -> Path:
        """Return the lock that is held while trials are added."""
        return self.root / "sweep.lock"

    @property
    def journal(self) -> Path:
        """Return the path of Optuna's journal, which `optuna-dashboard FILE` opens."""
        return self.root / "optuna.log"

    @property
    def log(self) -> Path:
        return self.root / "sampler.log"

    def read(self) -> Sweep:
        """Return the sweep. Raises StoreError."""
        try:
            return msgspec.json.decode(read_small(self.root / "sweep.json"), type=Sweep)
        except UNREADABLE as error:
            raise StoreError(f"{self.root.name} has no readable sweep.json: {error}", "see simclr sweep ls") from None

    def write(self, sweep: Sweep) -> None:
        """Replace the sweep. Raises StoreError."""
        self._write("sweep.json", msgspec.json.format(msgspec.json.encode(sweep), indent=1))

    def base(self) -> Resolved:
        """Return the recipe that trials vary. Raises StoreError."""
        try:
            return from_toml(read_small_text(self.root / "recipe.toml"))
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"{self.root.name} has no readable recipe.toml: {error}", "see simclr sweep ls") from None

    def write_base(self, base: Resolved) -> None:
        """Replace the recipe that trials vary. Raises StoreError."""
        self._write("recipe.toml", to_toml(base).encode())

    def _write(self, name: str, data: bytes) -> None:
        try:
            write_file(self.root / name, data)
        except OSError as error:
            raise StoreError(f"cannot write {self.root / name}: {error.strerror}", "see simclr doctor") from None


def sweep_names(store: Store) -> list[str]:
    """Return the names of all sweeps of the store, sweep2 before sweep10."""
    found = (store.root / SWEEPS).glob("*/sweep.json")
    return sorted((path.parent.name for path in found), key=natural_key)


def find_sweep(store: Store, name: str) -> SweepFolder:
    """Return the sweep of a given name. Raises NotFoundError, which suggests the closest name."""
    names = sweep_names(store)
    if name not in names:
        raise NotFoundError(
            f"no sweep {safe(name)!r} in {store.root}", did_you_mean(name, names) or "see simclr sweep ls"
        )
    return SweepFolder(store, name)


def claim_sweep(store: Store, name: str | None) -> SweepFolder:
    """Make the folder of a new sweep: `name`, or the next free sweep1, sweep2, …. Raises StoreError."""
    folder = store.root / SWEEPS
    try:
        make_folder(folder, parents=True, exist_ok=True)
        if name is not None:
            return _claimed(store, check_name(name))
        number = 1
        while True:
            try:
                return _claimed(store, f"sweep{number}")
            except FileExistsError:
                number += 1
    except FileExistsError:
        raise StoreError(f"the sweep {name} already exists", f"add to it: simclr sweep extend {name}") from None
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror}", "see simclr doctor") from None


def _claimed(store: Store, name: str) -> SweepFolder:
    """Make the folder of a new sweep, or take over one that a killed command left without a sweep.json.

    Its lock is held until sweep.json exists. Raises FileExistsError where the name is taken.
    """
    claim = SweepFolder(store, name)
    make_folder(claim.root, exist_ok=True)
    if (claim.root / "sweep.json").exists() or any(path.name not in _BEGINNINGS for path in claim.root.iterdir()):
        raise FileExistsError(name)
    if not claim.claim_lock.acquire():
        raise FileExistsError(name)
    try:
        if (claim.root / "sweep.json").exists():
            raise FileExistsError(name)
    except OSError:
        claim.claim_lock.release()
        raise
    return claim


_BEGINNINGS = ("recipe.toml", "sweep.lock", "claim.lock")
