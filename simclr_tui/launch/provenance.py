"""Identify the running code: the commit of a checkout, and a digest of the sources that covers uncommitted changes."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import time
from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_RECENT = 10.0  # seconds for which an answer serves all runs of a batch: it takes longer than writing a run


def git_commit() -> str:
    """Return the commit of this program where it runs from a checkout; empty elsewhere."""
    top = _PACKAGE.parent
    if not (top / ".git").exists():
        return ""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        asked = subprocess.run(["git", "-C", top, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=2)
        return asked.stdout.strip()
    return ""


def code_digest(package: Path = _PACKAGE) -> str:
    """Return a digest that changes with any source file of the program. Takes some milliseconds."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode())
        with contextlib.suppress(OSError):  # an editor may be replacing it
            digest.update(path.read_bytes())
    return digest.hexdigest()


def recent_git_commit() -> str:
    """Return `git_commit` as of the last ten seconds."""
    return _commit_in(int(time.monotonic() / _RECENT))


def recent_code_digest() -> str:
    """Return `code_digest` as of the last ten seconds."""
    return _digest_in(int(time.monotonic() / _RECENT))


@lru_cache(maxsize=1)
def _commit_in(_period: int) -> str:
    return git_commit()


@lru_cache(maxsize=1)
def _digest_in(_period: int) -> str:
    return code_digest()
