"""F50: the machine loses its power at a random moment: nothing but the last seconds is lost, and every run goes on.

The store lies on an ext4 of its own, in a file, whose shutdown ioctl drops all that was not yet written. One of the two
ways of mounting it does not order data before names, so that a replaced file may be empty afterwards.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import struct
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.errors import SimclrError
from simclr_tui.launch.queue.queue import enqueue, pause, waiting_runs
from simclr_tui.launch.start import resume, start
from simclr_tui.launch.stop import request_stop, wait_until_ended
from simclr_tui.paths import SWEEPS
from simclr_tui.store.labels import edit_run
from simclr_tui.store.process import is_alive
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.sweep.axes import parse_axis
from simclr_tui.sweep.control import go_on, make_sweep, sweep_rows
from simclr_tui.sweep.folder import Sweep, SweepFolder, sweep_names
from tests.training import tiny_plan, until

SEED = 50
LOSSES = "losses of power while a run trains, and others are queued, edited and swept"
FLAGS = {"epochs": 100_000, "knn_every": 0, "checkpoint_every": 1}
SWEEP = Sweep(name="", sampler="grid", trials=0, seeds=(0,), axes=(parse_axis("temp", "0.1,0.5,1.0"),))
_SHUTDOWN, _WITHOUT_FLUSH = 0x8004587D, 2  # EXT4_IOC_SHUTDOWN and EXT4_GOING_FLAGS_NOLOGFLUSH


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return list(folder.iterdir())
    return []


def _target(link: Path) -> str:
    with contextlib.suppress(OSError):
        return str(link.readlink())
    return ""


class Disk:
    """An ext4 file system in a file, which can lose its power."""

    def __init__(self, home: Path, options: str) -> None:
        self.image, self.root, self._options = home / "disk", home / "mounted", options
        self.root.mkdir()
        with self.image.open("wb") as file:
            file.truncate(600 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)

    def mount(self) -> None:
        # A device of its own each time: mount's would be that of before as long as the namespace of another test, which
        # copied this mount, holds it, and then every read would meet the disk that lost its power.
        attach = ["losetup", "--find", "--show", self.image]
        self._device = subprocess.run(attach, check=True, capture_output=True, text=True).stdout.strip()
        subprocess.run(["mount", "-o", self._options, self._device, self.root], check=True)

    def unmount(self) -> None:
        try:
            until(lambda: subprocess.run(["umount", self.root], capture_output=True).returncode == 0, what="unmounting")
        except AssertionError:
            raise AssertionError(f"the disk is held by {self.holders()}") from None
        self.detach()

    def end_processes(self) -> None:
        """Kill all that was started for the disk, as a power loss does.

        Besides trainers and supervisors there are short ones that index the store, which on a busy machine may take
        minutes to begin.
        """
        while found := self._processes():
            for process in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(found, timeout=60)

    def _processes(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(self.root) in word for word in process.info["cmdline"] or ())
        ]

    def holders(self) -> list[str]:
        """Return the processes that keep the disk from being unmounted, and by what."""
        found = []
        for process in psutil.process_iter(["pid", "cmdline", "status"]):
            home = Path(f"/proc/{process.pid}")
            links = [home / "cwd", *_entries(home / "fd"), *_entries(home / "map_files")]
            held = [f"{link.name}: {at}" for link in links if (at := _target(link)).startswith(str(self.root))]
            if held:
                found.append(f"{process.info} {sorted(set(held))[:5]}")
        return found

    def detach(self) -> None:
        subprocess.run(["losetup", "--detach", self._device], capture_output=True)

    def lose_power(self) -> None:
        fd = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _WITHOUT_FLUSH))
        finally:
            os.close(fd)


@pytest.fixture(params=["data=ordered", "data=writeback,noauto_da_alloc"])
def disk(request, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    try:
        made = Disk(tmp_path, request.param)
        made.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no ext4 can be mounted here: {error}")
    try:
        yield made
    finally:
        made.end_processes()  # of a run that a failed test has left
        subprocess.run(["umount", "-l", made.root], capture_output=True)
        made.detach()


def edits(store: Store, names: list[str], stop: threading.Event) -> None:
    """Queue, sweep and edit without a pause, as long as there is power."""
    number = 0
    with contextlib.suppress(SimclrError, OSError):
        while not stop.is_set():
            number += 1
            edit_run(store, store.run(names[number % len(names)]), note=f"note {number}")
            if number % 7 == 0:
                enqueue(store, tiny_plan(**FLAGS))
            if number % 11 == 0:
                make_sweep(store, tiny_plan(**FLAGS).resolved, SWEEP)


def goes_on(run: Run, step: int) -> bool:
    status = run.status
    return status.state == "running" and status.process is not None and status.step > step


@pytest.mark.timeout(3600)
def test_after_a_power_loss_every_run_is_there_and_goes_on(disk, fault):
    chance = random.Random(f"{SEED} {disk.root.name}")
    for _ in range(fault("F50", 50, LOSSES, SEED, few=1)):
        store = Store(disk.root / "runs")
        run = start(store, tiny_plan(**FLAGS))
        pause(store)  # what waits is not to train
        watching = Catalog(store)
        until(lambda run=run: run.checkpoints, what="a checkpoint")
        waiting = enqueue(store, tiny_plan(**FLAGS))
        os.sync()
        kept = run.checkpoints[0].step
        status, stop = run.status, threading.Event()
        editor = threading.Thread(target=edits, args=(store, [waiting.name], stop))
        editor.start()
        time.sleep(chance.uniform(0.1, 3.0))  # the moment is what is random here
        disk.lose_power()
        stop.set()
        editor.join()
        disk.end_processes()
        assert not any(map(is_alive, (status.process, status.supervisor)))
        with contextlib.suppress(SimclrError):
            watching.rows()  # of a disk that answers nothing but errors now: nothing of them may stay
        disk.unmount()
        disk.mount()

        names = store.names()
        assert {run.name, waiting.name} <= set(names)
        assert [row["name"] for row in Catalog(store).rows()] == names
        assert [(row["name"], row["error"]) for row in watching.rows()] == [(name, "") for name in names]
        assert waiting.name in waiting_runs(store)
        assert [row["error"] for row in Catalog(store).rows() if row["error"]] == []
        until(lambda run=run: run.state == "lost", what="its state")
        assert run.checkpoints[0].step >= kept
        saved = run.checkpoints[0].step
        assert resume(run) == 2
        until(lambda run=run, saved=saved: goes_on(run, saved), what="steps after the power loss")
        request_stop(run)
        assert wait_until_ended(run, 120).state == "stopped"
        pause(store)
        for name in sweep_names(store):
            go_on(store, SweepFolder(store, name))
            assert sorted(row["trial"] for row in sweep_rows(store, name)) == [0, 1, 2]
        for name in store.names():
            if name != run.name:
                subprocess.run(["rm", "-rf", store.root / name], check=True)
        subprocess.run(["rm", "-rf", store.root / SWEEPS], check=True)
