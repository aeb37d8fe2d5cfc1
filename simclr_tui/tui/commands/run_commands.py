"""Start, stop, move and remove the run under the cursor, through the functions behind the CLI's commands."""

from __future__ import annotations

from functools import partial

from simclr_tui.launch import stop as stopping
from simclr_tui.launch.placement import JobOptions, placement_to_resume
from simclr_tui.launch.queue.queue import move_by, toggle
from simclr_tui.store.run import Run
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.commands.changes import Changes, Undo
from simclr_tui.tui.commands.selection import Selection
from simclr_tui.tui.dialogs.confirm import Confirm
from simclr_tui.tui.dialogs.stop_dialog import StopDialog, Way
from simclr_tui.tui.form.new_run import NewRun
from simclr_tui.tui.host import Host
from simclr_tui.tui.runs.arrangement import differing_fields


def _resume(run: Run) -> None:
    """Resume a run where it trained, as `simclr resume` does."""
    placement_to_resume(run, None, JobOptions()).requeue(run)


class RunCommands:
    """Commands that ask first where something would be lost, and report the result."""

    def __init__(self, host: Host, runs: Selection, changes: Changes) -> None:
        self._host, self._runs, self._changes = host, runs, changes
        self.doers: Doers = {
            "new": self.new,
            "clone": self.clone,
            "stop": self.stop,
            "kill": self.kill,
            "resume": self.resume,
            "sooner": self.move_in_queue,
            "queue": self.toggle_queue,
            "remove": self.remove,
            "undo": self.undo,
        }

    def new(self) -> None:
        """Open an empty form."""
        self._host.show(NewRun(self._host, rows=self._runs.all_rows), self._started)

    def clone(self) -> None:
        """Open a form filled with the run's recipe, at the field in which the runs differ most."""
        run = self._runs.current_run()
        if run is not None:
            rows = self._runs.all_rows
            first = next(iter(differing_fields(list(rows))), "")
            self._host.show(NewRun(self._host, like=run, rows=rows, first=first), self._started)

    def _started(self, name: str | None) -> None:
        if name:
            self._host.tell(f"started {name}")
            self._host.reader.refresh()
            self._runs.go_to(name)

    def stop(self) -> None:
        """Ask, then stop the run at the end of its step with a checkpoint, or kill it."""
        run = self._runs.current_run()
        if run is None:
            return
        waits = run.state == "queued"

        def answered(way: Way | None) -> None:
            if way == "stop":
                done = f"took {run.name} out of the queue" if waits else f"stopping {run.name}…"
                self._changes.make(partial(stopping.request_stop, run), done)
            elif way == "kill":
                self._changes.make(partial(stopping.kill, run), f"killed {run.name}")

        self._host.show(StopDialog(run.name, waits), answered)

    def kill(self) -> None:
        """Ask, then kill the run."""
        run = self._runs.current_run()
        if run is not None:
            more = "What it did since its last checkpoint is lost. s stops it with a checkpoint."
            self._changes.confirm(
                Confirm(f"Kill {run.name}?", more, "Kill"), partial(stopping.kill, run), f"killed {run.name}"
            )

    def remove(self) -> None:
        """Ask, then move the run to the store's trash."""
        run = self._runs.current_run()
        if run is not None:
            name, store = run.name, self._host.store
            undo = Undo(f"{name} is back", partial(store.restore, name), name)
            more = "Its folder goes to the trash of this store; u brings it back."
            done = f"{name} is in the trash; u brings it back"
            self._changes.confirm(
                Confirm(f"Delete {name}?", more, "Delete"), partial(store.remove, run), done, undo=undo
            )

    def resume(self) -> None:
        """Resume the run from its newest checkpoint."""
        run = self._runs.current_run()
        if run is not None:
            self._host.do(partial(_resume, run), f"resumed {run.name}")

    def move_in_queue(self, by: int) -> None:
        """Move a waiting run by `by` positions; towards the front if negative."""
        run = self._runs.current_run()
        if run is not None:
            words = f"moved {run.name} {'up' if by < 0 else 'down'} in the queue"
            self._host.do(partial(move_by, self._host.store, run, by), words)

    def toggle_queue(self) -> None:
        """Pause or resume the queue, and report which, since that is known only afterwards."""
        said: list[str] = []
        self._host.do(lambda: said.append(toggle(self._host.store)), "", lambda: self._host.tell(said[0]))

    def undo(self) -> None:
        """Undo the newest change; without one, offer to restore the run removed last."""
        undone = self._changes.take_back()
        if undone is not None:
            self._runs.go_to(undone.run)
            return
        trash = self._host.store.trash()
        if not trash:
            self._host.tell("nothing to undo, and the trash is empty")
            return
        name = trash[-1].name.rpartition(".")[0]
        dialog = Confirm(
            f"Bring {name} back?", "Nothing was changed here, but this run lies in the trash.", "Bring back"
        )
        self._changes.confirm(dialog, partial(self._host.store.restore, name), f"{name} is back")
