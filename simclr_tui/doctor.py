"""Check whether this machine is ready to train. Each finding names what was checked and, if bad, what to do."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from simclr_tui.atomic import Lock, rename_folder, write_file
from simclr_tui.errors import SimclrError
from simclr_tui.hardware.gpu import shared_reader
from simclr_tui.hardware.sampler import machine_summary
from simclr_tui.interpreter import python, python_module
from simclr_tui.launch.torch_versions import check_torch_versions
from simclr_tui.paths import CATALOG, CLAIM_LOCK, QUEUE, TRASH, QueuePaths
from simclr_tui.recipe.datasets import KNOWN, data_root, on_disk
from simclr_tui.store.finding import Finding
from simclr_tui.store.names import misnamed_sentence
from simclr_tui.store.store import Store
from simclr_tui.text import size
from simclr_tui.version import __version__

_PROBE = """
import torch
print(torch.__version__, torch.cuda.is_available(), torch.cuda.device_count())
if not torch.cuda.is_available():
    from simclr_tui.train.cuda_support import refuse_unused_gpu
    refuse_unused_gpu()
"""
_LOCK_PROBE = (
    "import sys, pathlib; from simclr_tui.atomic import is_locked; sys.exit(is_locked(pathlib.Path(sys.argv[1])))"
)
_LOW = 2 * 10**9  # bytes
# The kernel's names of network file systems.
_NETWORK = (
    "nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "afs", "9p", "virtiofs", "panfs", "wekafs",
    "orangefs", "pvfs2", "sshfs", "s3fs", "gcsfuse", "juicefs",
)  # fmt: skip


def examine(root: Path) -> list[Finding]:
    """Return the result of every check, in order of importance."""
    checks: list[Callable[[Path], Finding]] = [
        _versions,
        _torch,
        _gpu,
        check_store,
        _file_system,
        _locks,
        _disk,
        _shared_memory,
        _data,
        _terminal,
    ]
    return [check(root) for check in checks]


def examine_gpu() -> list[Finding]:
    """Return what a minute of training on the GPU shows. Raises SimclrError where torch can use none."""
    done = subprocess.run(python_module("simclr_tui.bench.gpu_check"), capture_output=True, text=True, check=False)
    try:
        return msgspec.json.decode(done.stdout, type=list[Finding])
    except msgspec.DecodeError:
        said = done.stderr.strip().splitlines()
        raise SimclrError(said[-1] if said else f"the check ended with code {done.returncode}") from None


def _versions(_root: Path) -> Finding:
    return Finding(
        "good", "program", f"simclr-tui {__version__}, Python {platform.python_version()}, {platform.system()}"
    )


def _torch(_root: Path) -> Finding:
    """Ask torch in its own process: this one stays light, and a broken build cannot take it down."""
    try:
        check_torch_versions()
    except SimclrError as error:
        return Finding("bad", "torch", str(error))
    try:
        asked = subprocess.run(python("-c", _PROBE), capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return Finding("bad", "torch", "did not import within two minutes; is the disk very slow?")
    last = asked.stderr.strip().splitlines()[-1] if asked.stderr.strip() else "no message"
    if not asked.stdout:
        return Finding("bad", "torch", f"does not import: {last}; reinstall it for this machine")
    if asked.returncode:
        return Finding("bad", "torch", last.partition("RecipeError: ")[2] or last)
    version, cuda, count = asked.stdout.split()
    seen = (
        f"sees {count} GPU{'' if count == '1' else 's'}" if cuda == "True" else "sees no GPU, so runs train on the CPU"
    )
    return Finding("good", "torch", f"{version} {seen}; torchvision {importlib.metadata.version('torchvision')}")


def _gpu(_root: Path) -> Finding:
    reader = shared_reader()
    summary = machine_summary(reader)
    if reader.count():
        return Finding("good", "hardware", summary)
    return Finding("note", "hardware", f"{summary} ({reader.problem or 'NVML found none'})")


def check_store(root: Path) -> Finding:
    """Report whether runs can be launched into the store, and who else can."""
    try:
        count = len(Store(root).names())
    except SimclrError as error:
        return Finding("bad", "store", str(error))
    place = root if root.exists() else next(p for p in root.absolute().parents if p.exists())
    if not os.access(place, os.W_OK):
        return Finding("bad", "store", f"{place} is not writable: change its permissions or choose another --runs")
    closed = [path for path in _shared_files(root) if path.exists() and not os.access(path, os.W_OK)]
    if closed:
        return Finding(
            "bad",
            "store",
            f"{closed[0]} is another user's and you may not write it, so you cannot launch here; to share the store "
            f"its owner types: chmod -R g+rwX {root.absolute()} && chmod g+s {root.absolute()}",
        )
    if misnamed := Store(root).misnamed():
        return Finding("note", "store", misnamed_sentence(misnamed))
    shared = ", shared with its group" if place == root and place.stat().st_mode & stat.S_IWGRP else ""
    return Finding("good", "store", f"{root.absolute()}, {count} runs{shared}")


def _shared_files(root: Path) -> list[Path]:
    """Return what everyone who launches into a store writes."""
    queue = QueuePaths(root / QUEUE)
    return [root / CLAIM_LOCK, queue.root, queue.turn, root / TRASH, root / CATALOG]


def _file_system(root: Path) -> Finding:
    """Report the store's file system, and whether its renames are atomic and respect existing names."""
    place = _existing(root)
    kind, mount = file_system(place)
    named = f"{kind} at {mount}"
    try:
        wrong = _renames_badly(place)
    except OSError as error:
        return Finding("note", "file system", f"{named}; renames could not be tested: {error.strerror}")
    if wrong:
        return Finding("bad", "file system", f"{named} {wrong}: put --runs on another")
    if is_network(kind):
        words = "a network file system: jobs on several nodes can share it, and the queue needs its locks"
        return Finding("note", "file system", f"{named}, {words}; renames are atomic")
    if kind in _PASSING:
        words = f"which {_PASSING[kind]}: mount a volume there, or put --runs on a disk"
        return Finding("note", "file system", f"{named}, {words}; renames are atomic")
    return Finding("good", "file system", f"{named}, local to this machine; renames are atomic")


def file_system(place: Path) -> tuple[str, str]:
    """Return a path's file system type, as the kernel names it (`ext4`, `nfs4`), and its mount point."""
    mounts = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    found = [str(folder) for folder in (place.resolve(), *place.resolve().parents) if str(folder) in mounts]
    return (mounts[found[0]], found[0]) if found else ("unknown", "/")


_WITH_CONTAINER, _WITH_MACHINE = "is removed with its container", "is empty after a restart"
_PASSING = {"overlay": _WITH_CONTAINER, "aufs": _WITH_CONTAINER, "tmpfs": _WITH_MACHINE, "ramfs": _WITH_MACHINE}


def is_network(kind: str) -> bool:
    """Return whether other machines may see the same files."""
    return kind.removeprefix("fuse.").startswith(_NETWORK)


def _renames_badly(place: Path) -> str:
    """Return what is wrong with renames there, or an empty string."""
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as made:
        folder = Path(made)
        for content in (b"one", b"two"):
            write_file(folder / "file", content)
        if (folder / "file").read_bytes() != b"two":
            return "does not replace a file on rename"
        for name in ("source", "taken"):
            (folder / name).mkdir()
        try:
            rename_folder(folder / "source", folder / "taken")
        except FileExistsError:
            return ""
        return "overwrites an existing folder on rename"


def _existing(root: Path) -> Path:
    """Return the store, or its nearest existing parent."""
    return next(place for place in (root.absolute(), *root.absolute().parents) if place.is_dir())


def _locks(root: Path) -> Finding:
    """Report whether one process sees a lock that another holds: some network file systems only pretend."""
    place = _existing(root)
    probe = place / f".doctor-{os.getpid()}.lock"
    lock = Lock(probe)
    try:
        lock.acquire()
        seen = subprocess.run(python("-c", _LOCK_PROBE, str(probe)), timeout=30, check=False).returncode == 1
    except OSError as error:
        return Finding("note", "locks", f"could not be tested at {place}: {error.strerror}")
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            probe.unlink()
    if seen:
        return Finding("good", "locks", f"work at {place}")
    return Finding("bad", "locks", f"another process does not see a lock at {place}: put --runs on a local disk")


def _disk(root: Path) -> Finding:
    place = next(p for p in (root.absolute(), *root.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    return Finding("bad" if free < _LOW else "good", "disk", f"{size(free)} free at {place}")


def _shared_memory(_root: Path) -> Finding:
    place = Path("/dev/shm")
    if not place.exists():
        return Finding("note", "shared memory", "no /dev/shm here")
    free = shutil.disk_usage(place).free
    return Finding("note" if free < 10**9 else "good", "shared memory", f"{size(free)} free at /dev/shm")


def _data(_root: Path) -> Finding:
    there = [name for name in KNOWN if name != "shapes" and on_disk(name)]
    return Finding("good" if there else "note", "data", f"{', '.join(there) or 'nothing downloaded'} in {data_root()}")


def _terminal(_root: Path) -> Finding:
    term, encoding = os.environ.get("TERM", ""), sys.stdout.encoding or ""
    columns, rows = shutil.get_terminal_size()
    about = f"TERM={term or 'unset'}, {encoding}, {columns}×{rows}"
    if not encoding.lower().startswith("utf"):
        return Finding("note", "terminal", f"{about}: charts are drawn in ASCII; set LANG to a UTF-8 locale")
    return Finding("good", "terminal", about)
