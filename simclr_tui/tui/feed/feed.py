"""Read the store off the screen's thread: only what is new, within budgets; post immutable snapshots."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.references import Ranked, knn_references, ranked_by_kind, same_ranks
from simclr_tui.catalog.row import Row
from simclr_tui.errors import SimclrError
from simclr_tui.hardware.sampler import Sampler, machine_summary
from simclr_tui.launch.queue.dependencies import waits_for
from simclr_tui.launch.queue.queue import why_paused
from simclr_tui.store.state import ACTIVE
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import read_ticket
from simclr_tui.tui.feed.curve_page import curve_page
from simclr_tui.tui.feed.hardware_reader import host_memory
from simclr_tui.tui.feed.messages import Detail, Listing, Machine, Request, Settled, Snapshot
from simclr_tui.tui.feed.run_reader import BUDGET, RunReader

INTERVAL = 0.8  # seconds between two reads: a step is on screen within one; drawing takes time from training
_SAMPLE_EVERY = 1.0
_LISTING_BUDGET = 0.25
_LISTING_SHARE = 10  # a listing that takes t seconds is not repeated for 10·t
_LEAST = 500_000  # bytes read of each run per turn, at least
_KEEP = 12  # runs whose histories stay in memory after they leave the screen,
_KEEP_STEPS = 200_000  # unless they have more steps together, of some 200 bytes each: a run is read again sooner

Post = Callable[[Snapshot], object]


class Feed(threading.Thread):
    """Read the store in a thread, started and stopped by the app.

    `ask` sets what is on screen; `failed` is called with an unexpected exception. With `keeps_outlines`, it leaves
    files in the run folders from which long histories are drawn at once when they are opened again.
    """

    def __init__(
        self, root: Path, post: Post, failed: Callable[[Exception], object], *, keeps_outlines: bool = False
    ) -> None:
        super().__init__(name="feed", daemon=True)
        self._store = Store(root)
        self._post = post
        self._failed = failed
        self._keeps_outlines = keeps_outlines
        self._request = Request()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._look_again = False
        self._catalog = Catalog(self._store)
        self._readers: dict[str, RunReader] = {}
        self._posted: dict[type, Snapshot] = {}
        self._rows: tuple[Row, ...] = ()
        self._ranked: Ranked = {}
        self._by_name: dict[str, Row] = {}  # of the last listing; empty until a row of it is asked for
        self._answered: Request | None = None
        self._references: dict[str, dict[str, float]] = {}  # in the curves on screen
        self._behind = False  # True while the curves on screen are incomplete
        self._next_listing = 0.0
        self._next_sample = 0.0
        self._sampler: Sampler | None = None
        self._machine = ""

    def ask(self, request: Request) -> None:
        """Set what is on screen now; it is read at once."""
        self._request = replace(request, number=self._request.number + 1)
        self._wake.set()

    @property
    def asked(self) -> int:
        """Return the number of the latest request."""
        return self._request.number

    def refresh(self) -> None:
        """Read the store at once, after it was changed."""
        self._look_again = True
        self._wake.set()

    def stop(self) -> None:
        self._ended.set()
        self._wake.set()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                behind = self._turn()
                self._wake.wait(0.01 if behind else INTERVAL)
                self._wake.clear()
        except Exception as error:  # a bug: the app shows it and exits, rather than stopping silently
            self._failed(error)

    def _turn(self) -> bool:
        """Read everything once. Returns True when there is more to read than the budget allowed."""
        request = self._request
        behind = self._list()
        behind = self._read(request) or behind
        self._sample()
        if not behind:
            self._post_if_changed(Settled(request.number))
        return behind

    def _list(self) -> bool:
        began = time.monotonic()
        if began < self._next_listing and not self._look_again:
            return False
        self._look_again = False
        problem = ""
        before = len(self._rows)
        try:
            self._take(tuple(self._catalog.rows(budget=_LISTING_BUDGET)))
        except SimclrError as error:
            problem = str(error)
        indexing = len(self._rows) > before and time.monotonic() - began > _LISTING_BUDGET
        self._post_if_changed(Listing(self._rows, problem, *self._queue(), indexing))
        for name in self._readers.keys() - {row["name"] for row in self._rows}:
            del self._readers[name]
        now = time.monotonic()
        self._next_listing = now if indexing else began + max(INTERVAL * 0.9, _LISTING_SHARE * (now - began))
        return indexing

    def _take(self, rows: tuple[Row, ...]) -> None:
        if not same_ranks(self._rows, rows):
            self._ranked = ranked_by_kind(rows)
        self._rows = rows
        self._by_name = {}

    def _row_of(self, name: str) -> Row | None:
        if not self._by_name:  # searching a hundred thousand rows at each key made it wait for 10 ms
            self._by_name = {row["name"]: row for row in self._rows}
        return self._by_name.get(name)

    def _queue(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Return why the queue starts nothing, and what each queued run waits for."""
        waiting = [row["name"] for row in self._rows if row["state"] == "queued"]
        found: list[tuple[str, str]] = []
        for name in waiting:
            with contextlib.suppress(SimclrError, OSError):
                ticket = read_ticket(self._store.run(name).paths)
                if ticket is not None and (reason := waits_for(self._store, ticket).reason):
                    found.append((name, reason))
        paused = ""
        with contextlib.suppress(SimclrError, OSError):
            paused = why_paused(self._store)
        return paused, tuple(found)

    def _reader(self, name: str) -> RunReader:
        reader = self._readers.pop(name, None)
        if reader is None:
            reader = RunReader(self._store.run(name), keeps_outline=self._keeps_outlines)
        self._readers[name] = reader
        return reader

    def _forget(self, request: Request) -> None:
        """Drop the runs that left the screen, the longest unread first, until few enough are kept."""
        on_screen = {request.current, *request.marked, *request.shown}
        left = {name: reader.curves.steps for name, reader in self._readers.items() if name not in on_screen}
        steps = sum(left.values())
        for name, taken in left.items():
            if len(self._readers) <= _KEEP and steps <= _KEEP_STEPS:
                return
            del self._readers[name]
            steps -= taken

    def _read(self, request: Request) -> bool:
        behind = False
        if request != self._answered:
            # The screen may have dropped what it received before.
            self._posted = {kind: told for kind, told in self._posted.items() if kind in (Listing, Machine, Settled)}
        detail = self._detail(request) if request.current else None
        if detail is not None:
            self._post_if_changed(detail)
        if request.tab == "curves" and request.shown:
            behind = self._curves(request)
        elif request.tab == "system" and request.current:
            behind = self._hardware(request)
        elif request.tab == "log" and request.current:
            self._post_if_changed(self._reader(request.current).log())
        if detail is not None:  # its trend comes from the curves, of which more has been read since
            self._post_if_changed(replace(detail, knn_before=self._reader(request.current).curves.earlier("knn")))
        self._answered = request
        self._forget(request)
        return behind

    def _detail(self, request: Request) -> Detail:
        reader = self._reader(request.current)
        resolved, problem = None, ""
        try:
            resolved = reader.resolved()
        except SimclrError as error:
            problem = str(error)
        others, unreadable = [], []
        for name in request.marked if request.tab == "recipe" else ():
            try:
                if name != request.current:
                    others.append((name, self._reader(name).resolved()))
            except SimclrError as error:
                unreadable.append((name, str(error)))
        return Detail(
            request.current,
            reader.state(),
            resolved,
            problem,
            tuple(others),
            reader.newest_checkpoint(),
            reader.evaluations(),
            reader.machine.latest(),
            reader.curves.earlier("knn"),
            request.marked,
            tuple(unreadable),
        )

    def _curves(self, request: Request) -> bool:
        readers = [self._reader(name).curves for name in request.shown]
        # The runs share the budget, so that many of them do not keep a key waiting.
        grown = [reader.poll(max(_LEAST, BUDGET // len(readers))) for reader in readers]
        references = self._find_references(request.shown)
        if any(grown) or request != self._answered or self._behind or references != self._references:
            self._references = references
            self._post_if_changed(
                curve_page(
                    readers,
                    request,
                    self._objectives(request.shown),
                    references=references,
                    ends=self._end(request),
                    memory=host_memory([self._reader(name).machine for name in request.shown]),
                )
            )
        self._behind = any(reader.behind for reader in readers)
        return self._behind

    def _objectives(self, names: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        for name in names:
            with contextlib.suppress(SimclrError):
                found.add(self._reader(name).resolved().recipe.objective)
        return found

    def _find_references(self, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
        """Return what the first run's accuracy and memory are measured by, without the runs that are drawn anyway."""
        found = knn_references(self._store.run(names[0]), self._row_of(names[0]), self._ranked)
        sample = self._reader(names[0]).machine.latest()
        totals = {gpu.memory_total for gpu in sample.gpus if gpu.memory_total} if sample is not None else set()
        return {
            "knn": {words: value for words, value in found.items() if words.removeprefix("best: ") not in names},
            "gpu_reserved": {"the whole GPU": float(max(totals))} if totals else {},
        }

    def _end(self, request: Request) -> float | None:
        """Return the step or epoch at which the only run on screen will end, while it trains."""
        state = self._reader(request.shown[0]).state() if len(request.shown) == 1 else None
        if state is None or state.state not in ACTIVE or not state.steps:
            return None
        if request.axis == "epoch" and state.steps_per_epoch:
            return state.steps / state.steps_per_epoch
        return float(state.steps) if request.axis == "step" else None

    def _hardware(self, request: Request) -> bool:
        machine = self._reader(request.current).machine
        grown = machine.poll(BUDGET)
        if grown or request != self._answered:
            self._post_if_changed(machine.read(request))
        return machine.behind

    def _sample(self) -> None:
        now = time.monotonic()
        if now < self._next_sample:
            return
        if self._sampler is None:
            self._sampler = Sampler()
            self._machine = machine_summary()
        self._post_if_changed(Machine(self._machine, self._sampler.sample()))
        self._next_sample = now + _SAMPLE_EVERY

    def _post_if_changed(self, snapshot: Snapshot) -> None:
        """Post what changed; the rest is not worth a redraw."""
        if self._posted.get(type(snapshot)) != snapshot:
            self._posted[type(snapshot)] = snapshot
            self._post(snapshot)
