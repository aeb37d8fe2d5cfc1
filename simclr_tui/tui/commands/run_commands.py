"""What can be done to the run under the cursor. Each does what the command of that name does, by the same function."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.screen import Screen

from simclr_tui.launch import stop as stopping
from simclr_tui.launch.placement import JobOptions, placement_to_resume
from simclr_tui.launch.queue.queue import move_by, toggle
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from simclr_tui.tui.commands.undo import Undo
from simclr_tui.tui.dialogs.confirm import Confirm
from simclr_tui.tui.form.new_run import NewRun

if TYPE_CHECKING:
    from simclr_tui.tui.app import Dashboard


def _resume(run: Run) -> None:
    """Have a run go on where it trained, as `simclr resume` does."""
    placement_to_resume(run, None, JobOptions()).requeue(run)


class RunActions(Screen[None]):
    """The part of the main screen that starts, ends and removes; another part says which run is meant."""

    app: Dashboard
    store: Store

    def __init__(self) -> None:
        super().__init__()
        self._done: list[Undo] = []

    def current_run(self) -> Run | None:
        """The run under the cursor."""
        raise NotImplementedError

    def go_to(self, name: str) -> None:
        """Put the cursor on a run as soon as it is listed."""
        raise NotImplementedError

    def refresh_footer(self) -> None:
        """Show what can be done now."""
        raise NotImplementedError

    def action_new(self) -> None:
        self.app.push_screen(NewRun(self.store.root), self._started)

    def action_clone(self) -> None:
        run = self.current_run()
        if run is not None:
            self.app.push_screen(NewRun(self.store.root, like=run), self._started)

    def _started(self, name: str | None) -> None:
        if name:
            self.app.tell(f"{name} is under way or waits for its turn")
            self.app.feed.refresh()
            self.go_to(name)

    def action_stop(self) -> None:
        run = self.current_run()
        if run is not None:
            question = f"Stop {run.name}?"
            more = "It finishes its step, saves a checkpoint and ends; one that is queued leaves the queue. r goes on."
            self._confirm(question, more, "Stop", partial(stopping.request_stop, run), f"{run.name} is asked to stop")

    def action_kill(self) -> None:
        run = self.current_run()
        if run is not None:
            more = "What it did since its last checkpoint is lost. Use s first: that saves one."
            self._confirm(f"Kill {run.name}?", more, "Kill", partial(stopping.kill, run), f"{run.name} was killed")

    def action_remove(self) -> None:
        run = self.current_run()
        if run is not None:
            name = run.name
            undo = Undo(f"{name} is back", partial(self.store.restore, name), name)
            more = "Its folder goes to the trash of this store; u brings it back."
            work = partial(self.store.remove, run)
            self._confirm(f"Delete {name}?", more, "Delete", work, f"{name} is in the trash; u brings it back", undo)

    def _confirm(
        self, question: str, more: str, label: str, work: Callable[[], object], done: str, undo: Undo | None = None
    ) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.change(work, done, undo)

        self.app.push_screen(Confirm(question, more, label), answered)

    def change(self, work: Callable[[], object], done: str, undo: Undo | None = None) -> None:
        """Do something to a run; once it is done it can be undone."""
        self.app.do(work, done, partial(self._changed, undo) if undo is not None else None)

    def _changed(self, undo: Undo) -> None:
        self._done.append(undo)
        self.refresh_footer()

    def action_resume(self) -> None:
        run = self.current_run()
        if run is not None:
            self.app.do(partial(_resume, run), f"{run.name} goes on")

    def action_sooner(self, places: int) -> None:
        run = self.current_run()
        if run is not None:
            words = f"{run.name} starts {'sooner' if places < 0 else 'later'}"
            self.app.do(partial(move_by, self.store, run, places), words)

    def action_queue(self) -> None:
        """Tells what became of the queue, which is known only then."""
        said: list[str] = []
        self.app.do(lambda: said.append(toggle(self.store)), "", lambda: self.app.tell(said[0]))

    def action_undo(self) -> None:
        if self._done:
            undo = self._done.pop()
            self.go_to(undo.run)
            self.app.do(undo.work, undo.words)
            self.refresh_footer()
            return
        trash = self.store.trash()
        if not trash:
            self.app.tell("nothing to undo, and the trash is empty")
            return
        name = trash[-1].name.rpartition(".")[0]
        question, more = f"Bring {name} back?", "Nothing was changed here, but this run lies in the trash."
        self._confirm(question, more, "Bring back", partial(self.store.restore, name), f"{name} is back")
