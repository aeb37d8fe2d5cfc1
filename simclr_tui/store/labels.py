"""Change a run's metadata that belongs to the user: its tags, note and name."""

from __future__ import annotations

import re

import msgspec

from simclr_tui.atomic import rename_folder
from simclr_tui.errors import StoreError
from simclr_tui.store.names import check_name
from simclr_tui.store.run import Run, RunInfo
from simclr_tui.store.state import OPEN
from simclr_tui.store.store import Store
from simclr_tui.text import safe

_TAG = re.compile(r"[^\s,\x00-\x1f\x7f-\x9f]{1,40}")


def check_tag(tag: str) -> str:
    """Return `tag` if it is valid: up to 40 characters without spaces or commas. Raises StoreError."""
    if not _TAG.fullmatch(tag):
        raise StoreError(f"{safe(tag)[:60]!r} cannot be a tag", "use up to 40 characters without spaces or commas")
    return tag


def edit_run(
    store: Store,
    run: Run,
    *,
    add: list[str] | None = None,
    remove: list[str] | None = None,
    note: str | None = None,
    name: str | None = None,
) -> Run:
    """Change tags, note and name, and return the run under its new name. Each change is made whole or not at all.

    Raises StoreError if the name is taken or invalid, if a run to rename is training or queued, or if the run cannot
    be written.
    """
    info = run.info
    tags = [tag for tag in info.tags if tag not in (remove or [])]
    tags += [check_tag(tag) for tag in add or [] if tag not in tags]
    changed = msgspec.structs.replace(info, tags=tags, note=info.note if note is None else note)
    if name is not None and name != run.name:
        run = _rename(store, run, check_name(name))
        changed = msgspec.structs.replace(changed, name=name)
    if changed != info:
        _write(run, changed)
    return run


def _write(run: Run, info: RunInfo) -> None:
    try:
        run.write_info(info)
    except OSError as error:
        raise StoreError(f"cannot change {run.name}: {error.strerror}", "see simclr doctor") from None


def _rename(store: Store, run: Run, name: str) -> Run:
    if run.state in OPEN:
        raise StoreError(f"{run.name} is training or queued", "rename it after it ends")
    try:
        rename_folder(run.path, store.root / name)
    except FileExistsError:
        raise StoreError(f"{name} already exists in {store.root}", "choose another name") from None
    except OSError as error:
        raise StoreError(f"cannot rename {run.name}: {error.strerror}", "see simclr doctor") from None
    return store.run(name)
