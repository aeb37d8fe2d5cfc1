"""Two users of a shared store, as processes with their rights: root makes them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ALICE, BOB, GROUP = 64001, 64002, 64100


def as_user(user: int, act: Callable[[], object]) -> str:
    """Act in a process of that user; what it raised, empty if nothing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        said = "it did not end"
        try:
            os.setgroups([])
            os.setresgid(GROUP, GROUP, GROUP)
            os.setresuid(user, user, user)
            os.umask(0o022)
            act()
            said = ""
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(write, said.encode())
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


@pytest.fixture
def group_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("two users need root")
    # What a run started may still write its last words into the folder while that is removed.
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as made:
        root = Path(made)
        os.chown(root, ALICE, GROUP)
        root.chmod(0o2770)
        monkeypatch.setenv("XDG_CONFIG_HOME", made)
        yield root
