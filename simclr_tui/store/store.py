"""The run store, a folder of run folders. Names are claimed by mkdir; removing a run moves it into the trash."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from simclr_tui.atomic import Lock, is_locked, rename_folder
from simclr_tui.clock import SYSTEM_CLOCK, Clock
from simclr_tui.errors import NotFoundError, SimclrError, StoreError, UnansweredError, is_unanswered
from simclr_tui.group_mode import make_folder
from simclr_tui.paths import CLAIM_LOCK, RUN_FILE, TRASH
from simclr_tui.store.abandoned import clear_abandoned, clear_unfinished, is_unfinished
from simclr_tui.store.best_run import best_run
from simclr_tui.store.names import NAME, check_name, natural_key
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN
from simclr_tui.text import did_you_mean, safe

_NUMBERED = re.compile(r"run([0-9]{1,9})(\.[0-9]+)?")  # in the trash, the time of removal is appended
_REMOVED = re.compile(r".+\.[0-9]{1,18}", re.DOTALL)
_CLAIM_TIMEOUT = 10.0  # seconds; a claim takes less than a millisecond


class Store:
    """Manage the runs in the folder `root`, which is created by the first write and never by reading."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._cleared = False
        self._others: list[str] | None = None  # entries, at the last listing, under names that no run can have
        self._highest: dict[Path, int] = {}  # the highest number of a run in the store and in its trash …
        self._numbered_at: dict[Path, tuple[int, int] | None] = {}  # … as of these changes of the two folders

    def names(self) -> list[str]:
        """Return the names of all runs, run2 before run10; empty if the store does not exist yet.

        Raises StoreError if the folder cannot be read.
        """
        root = str(self.root)
        return sorted((name for name in self.entries() if is_run(f"{root}/{name}")), key=natural_key)

    def entries(self) -> list[str]:
        """Return every entry whose name would be valid for a run, in no order. Raises StoreError as `names` does."""
        return [entry.name for entry in self._scan()]

    def misnamed(self) -> list[str]:
        """Return the folders that hold a run under a name that no run can have: moved by hand. No list shows them.

        They are those of the last listing, if there was one: a listing of a hundred thousand entries takes 40 ms.
        """
        if self._others is None:
            with contextlib.suppress(StoreError):
                self._scan()
        return sorted(name for name in self._others or () if is_run(f"{self.root}/{name}"))

    def inodes(self) -> dict[str, int]:
        """Return the inode number of every entry that may be a run. Raises StoreError as `names` does."""
        return {entry.name: entry.inode() for entry in self._scan() if not entry.is_file(follow_symlinks=False)}

    def _scan(self) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root) as entries:
                every = list(entries)
        except FileNotFoundError:
            every = []
        except OSError as error:
            raise StoreError(
                f"cannot read the run store {self.root}: {error.strerror}", "give another --runs"
            ) from None
        found: list[os.DirEntry[str]] = []
        others: list[str] = []
        for entry in every:
            if NAME.fullmatch(name := entry.name):
                found.append(entry)
            elif name[0] != ".":
                others.append(name)
        self._others = others
        return found

    def run(self, name: str) -> Run:
        """Return the run of that exact name, without checking that it exists."""
        return Run(self.root / name)

    def find(self, word: str) -> Run:
        """Return the run meant by a name, an unambiguous prefix, `@last`, `@best` (kNN) or a path to a run folder.

        Raises NotFoundError suggesting the closest name.
        """
        names = self.names()
        exact = self._exact(word, names)
        if exact is not None:
            return exact
        starting = [name for name in names if word and name.startswith(word)]
        if len(starting) == 1:
            return self.run(starting[0])
        if starting:
            raise NotFoundError(f"{safe(word)!r} could mean {', '.join(starting[:5])}", "type more of the name")
        raise NotFoundError(f"no run {safe(word)!r} in {self.root}", did_you_mean(word, names) or "see simclr ls")

    def find_exactly(self, word: str) -> Run:
        """Return the run to change, given by its full name, `@last`, `@best` or a path to a run folder.

        A prefix is not accepted, because its meaning changes as runs come and go. Raises NotFoundError.
        """
        names = self.names()
        exact = self._exact(word, names)
        if exact is not None:
            return exact
        starting = [name for name in names if word and name.startswith(word)]
        hint = f"give the full name: {', '.join(starting[:5])}" if starting else did_you_mean(word, names)
        raise NotFoundError(f"no run {safe(word)!r} in {self.root}", hint or "see simclr ls")

    def _exact(self, word: str, names: list[str]) -> Run | None:
        if "/" in word and is_run(word):
            return Run(Path(word).resolve())
        if word in names:
            return self.run(word)
        return self._find_special(word, names) if word.startswith("@") else None

    def _find_special(self, word: str, names: list[str]) -> Run:
        if word == "@best":
            return best_run(map(self.run, names))
        dated: list[tuple[float, str]] = []
        for name in names if word == "@last" else ():
            try:
                dated.append((self.run(name).info.created, name))
            except SimclrError as error:  # a damaged run cannot be the last, but one that is not answered may be
                if isinstance(error, UnansweredError) and error.may_pass:
                    raise
        if dated:
            return self.run(max(dated)[1])
        raise NotFoundError(f"{safe(word)!r} names no run in {self.root}", "use @last, @best or a name from simclr ls")

    def claim(self, name: str | None = None) -> Run:
        """Create the folder of a new run: `name`, or the next free run1, run2, …; atomic between processes.

        Raises StoreError if the name is taken or invalid, or the store cannot be written.
        """
        if name is not None:
            check_name(name)
        try:
            make_folder(self.root, parents=True, exist_ok=True)
            return self._claim_number() if name is None else self._claim_name(name)
        except OSError as error:
            raise StoreError(
                f"cannot write to the run store {self.root}: {error.strerror}", "give another --runs"
            ) from None

    @contextlib.contextmanager
    def claiming(self, name: str | None = None) -> Iterator[Run]:
        """Claim a name as `claim` does, and hold it until the folder is a run.

        A folder whose launch was killed before that is claimed again. Raises StoreError.
        """
        if not self._cleared:  # once, not for each of a sweep's thousand runs
            self.clear_abandoned()
            self._cleared = True
        with self._claim_lock():
            run = self._abandoned(name) or self.claim(name)
            lock = Lock(run.paths.claim_lock)
            held = lock.acquire()
        try:
            if not held or run.paths.info.exists():  # another launch claimed it as abandoned
                raise StoreError(f"{run.name} already exists in {self.root}", "choose another --name")
            clear_unfinished(run.paths)
            yield run
            run.paths.claim_lock.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write {run.path}: {error.strerror}", "see simclr doctor") from None
        finally:
            lock.release()

    @contextlib.contextmanager
    def _claim_lock(self) -> Iterator[None]:
        """Hold the lock under which run folders are created, locked and cleared, by one process at a time.

        Raises StoreError if another process does not release it.
        """
        lock = Lock(self.root / CLAIM_LOCK)
        try:
            make_folder(self.root, parents=True, exist_ok=True)
            if not lock.acquire(_CLAIM_TIMEOUT):
                raise StoreError(f"another launch into {self.root} does not finish", "try again")
        except OSError as error:
            raise StoreError(
                f"cannot write to the run store {self.root}: {error.strerror}", "give another --runs"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def clear_abandoned(self) -> int:
        """Remove the folders that killed launches left behind, and return how many. Raises StoreError."""
        root = str(self.root)
        found = [name for name in self.entries() if not is_run(f"{root}/{name}")]
        ours = [self.run(name).paths for name in found if _NUMBERED.fullmatch(name) or self._was_claimed(name)]
        if not ours:
            return 0
        with self._claim_lock():
            return clear_abandoned(ours)

    def _was_claimed(self, name: str) -> bool:
        """Return whether the folder has the lock that a launch creates first and removes last."""
        return self.run(name).paths.claim_lock.is_file()

    def _abandoned(self, name: str | None) -> Run | None:
        """Return the folder of that name if no launch holds it and it contains only the beginnings of a run."""
        if name is None:
            return None
        run = self.run(check_name(name))
        return run if is_unfinished(run.paths) and not is_locked(run.paths.claim_lock) else None

    def _claim_name(self, name: str) -> Run:
        try:
            make_folder(self.root / name)
        except FileExistsError:
            raise StoreError(f"{name} already exists in {self.root}", "choose another --name") from None
        return self.run(name)

    def _claim_number(self) -> Run:
        # A folder is searched again only when someone else changed it, not for each of a sweep's thousand runs.
        for folder in (self.root, self.root / TRASH):
            if (seen := _changed_at(folder)) != self._numbered_at.get(folder):
                self._highest[folder], self._numbered_at[folder] = _highest_number(folder), seen
        number = max(self._highest.values())
        while True:
            number += 1
            with contextlib.suppress(FileExistsError):
                make_folder(self.root / f"run{number}")
                self._highest[self.root], self._numbered_at[self.root] = number, _changed_at(self.root)
                return self.run(f"run{number}")

    def remove(self, run: Run, clock: Clock = SYSTEM_CLOCK) -> Path:
        """Move a run into the trash, whole, and return its new path.

        Raises StoreError if it is training or queued, or cannot be moved.
        """
        if run.path.is_symlink() or run.path.parent.resolve() != self.root.resolve():
            raise StoreError(f"{run.name} is not a folder of {self.root}", "remove it by hand")
        if _is_open(run):
            raise StoreError(f"{run.name} is training or queued", f"type: simclr stop {run.name}")
        target = self.root / TRASH / f"{run.name}.{int(clock.wall() * 1000)}"
        try:
            make_folder(target.parent, exist_ok=True)
            run.path.rename(target)
        except OSError as error:
            raise StoreError(f"cannot move {run.name} to the trash: {error.strerror}", "see simclr doctor") from None
        return target

    def trash(self) -> list[Path]:
        """Return the paths of removed runs, newest last; anything else in the trash is ignored. Raises StoreError."""
        try:
            found = list((self.root / TRASH).iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(f"cannot read the trash of {self.root}: {error.strerror}", "see simclr doctor") from None
        return sorted((path for path in found if _REMOVED.fullmatch(path.name)), key=_removed_at)

    def restore(self, name: str) -> Run:
        """Restore the most recently removed run of that name. Raises NotFoundError or StoreError."""
        removed = [path for path in self.trash() if path.name.rpartition(".")[0] == name]
        if not removed:
            raise NotFoundError(f"no run {safe(name)!r} in the trash", "see simclr trash ls")
        try:
            rename_folder(removed[-1], self.root / check_name(name))
        except FileExistsError:
            raise StoreError(f"{name} exists again in {self.root}", "remove or rename that run first") from None
        except OSError as error:
            raise StoreError(f"cannot restore {name}: {error.strerror}", "see simclr doctor") from None
        return self.run(name)

    def empty_trash(self) -> int:
        """Delete all removed runs for good, and return how many. Raises StoreError."""
        removed = self.trash()
        try:
            for path in removed:
                path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
        except OSError as error:
            raise StoreError(f"cannot empty the trash: {error.strerror}", "see simclr doctor") from None
        return len(removed)


def is_run(folder: str) -> bool:
    """Return whether the folder is a run; a loop of links, a name too long or one without access is not.

    One that the disk says nothing about is: it must not pass for a folder without a run.
    """
    try:
        found = os.stat(f"{folder}/{RUN_FILE}")  # noqa: PTH116 - called 10,000 times, and three times as fast as Path
    except OSError as error:
        return is_unanswered(error) and not isinstance(error, PermissionError)
    except ValueError:  # a name with a NUL
        return False
    return stat.S_ISREG(found.st_mode)


def _highest_number(folder: Path) -> int:
    """Return the highest number among runs of the names run1, run2, … in a folder; 0 if there is none."""
    try:
        with os.scandir(folder) as entries:
            return max((int(match[1]) for entry in entries if (match := _NUMBERED.fullmatch(entry.name))), default=0)
    except FileNotFoundError:
        return 0


def _changed_at(folder: Path) -> tuple[int, int] | None:
    """Return a mark that changes when an entry of the folder does; None if there is no such folder."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _is_open(run: Run) -> bool:
    """Return whether a run is training or queued. Raises UnansweredError where that cannot be read at the moment."""
    try:
        return run.state in OPEN
    except UnansweredError:
        raise
    except StoreError:  # a damaged run, whose state cannot be read, is training if its lock is held
        return is_locked(run.paths.lock)


def _removed_at(path: Path) -> int:
    return int(path.name.rpartition(".")[2])
