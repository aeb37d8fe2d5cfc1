"""Commands that start long work on the run under the cursor, or on the marked ones: evaluate and export."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from simclr_tui.errors import SimclrError
from simclr_tui.launch.evaluation import check_evaluation, evaluate_quietly
from simclr_tui.store.protocols import PROTOCOLS, usual_protocols
from simclr_tui.store.run import Run
from simclr_tui.tui.action_screen import Doers
from simclr_tui.tui.commands.exports import Exports
from simclr_tui.tui.commands.selection import Selection
from simclr_tui.tui.dialogs.ask import Ask
from simclr_tui.tui.dialogs.complete_path import complete_path
from simclr_tui.tui.dialogs.pick import Choice, Pick
from simclr_tui.tui.host import Host
from simclr_tui.tui.jobs import Job


class JobCommands:
    """Commands that start long work."""

    def __init__(self, host: Host, runs: Selection) -> None:
        self._host, self._runs = host, runs
        self.doers: Doers = {"evaluate": self.evaluate, "export": self.export}

    def evaluate(self) -> None:
        """Ask for the protocol, then evaluate the run's newest checkpoint."""
        run = self._runs.current_run()
        if run is None:
            return
        try:
            check_evaluation(run)
        except SimclrError as error:
            self._host.tell_error(error)
            return
        usual = usual_protocols()
        choices = [Choice(",".join(usual), " and ".join(usual), "what simclr eval does")]
        choices += [Choice(name, name, protocol.about) for name, protocol in PROTOCOLS.items()]
        question = f"Evaluate {run.name} at step {run.checkpoints[0].step:,}"
        self._host.show(Pick(question, choices), partial(self._evaluate, run))

    def _evaluate(self, run: Run, protocols: str | None) -> None:
        if protocols is not None:
            self._host.begin(f"evaluating {run.name}", partial(_evaluated, run, protocols.split(",")))

    def export(self) -> None:
        """Ask for a file, then write into it what its name asks for: of this run, or of the marked ones."""
        run = self._runs.current_run()
        if run is None:
            return
        compared = [self._host.store.run(name) for name in self._runs.compared()] or [run]
        exports = Exports(run, compared)
        question = f"Export {run.name}: the file's ending says what"
        dialog = Ask(question, f"{run.name}.safetensors", exports.words, complete=complete_path, more=exports.offered)
        self._host.show(dialog, partial(self._export, exports))

    def _export(self, exports: Exports, target: str | None) -> None:
        if target is None:
            return
        path = Path(target).expanduser()
        if not exports.is_figure(path):
            self._host.begin(f"exporting {exports.names(path)}", partial(exports.write, path))
            return
        try:
            usual, offered = exports.usual_figure, exports.figure_offered
        except SimclrError as error:  # a run that cannot be read
            self._host.tell_error(error)
            return
        question = "What the figure shows, as simclr plot takes it"
        dialog = Ask(question, usual, exports.figure_words, complete=exports.complete_figure, more=offered)
        self._host.show(dialog, partial(self._draw, exports, path))

    def _draw(self, exports: Exports, path: Path, options: str | None) -> None:
        if options is not None:
            self._host.begin(f"exporting {exports.names(path)}", partial(exports.draw, path, options))


def _evaluated(run: Run, protocols: list[str], job: Job) -> str:
    found = evaluate_quietly(run, protocols, job.hear, cancel=job.cancel)
    return " · ".join(f"{run.name} {one.name}: {one.words}" for one in found) or f"{run.name}: no result"
