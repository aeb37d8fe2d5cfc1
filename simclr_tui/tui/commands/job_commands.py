"""Commands on the encoder of the run under the cursor: evaluate and export, each in a process of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from simclr_tui.errors import SimclrError
from simclr_tui.launch.evaluation import check_evaluation, evaluate_quietly
from simclr_tui.launch.tasks import ENCODER_SUFFIXES, export_encoder
from simclr_tui.store.export.metrics import SUFFIXES as METRIC_SUFFIXES
from simclr_tui.store.export.metrics import export_metrics
from simclr_tui.store.export.target import check_target
from simclr_tui.store.protocols import PROTOCOLS, usual_protocols
from simclr_tui.store.run import Run
from simclr_tui.store.task_replies import Written
from simclr_tui.text import size
from simclr_tui.tui.action_screen import Doers
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
        """Ask for a file, then write the encoder or the metrics into it."""
        run = self._runs.current_run()
        if run is not None:
            question = f"Export {run.name}: the encoder to F.safetensors, F.pt, F.onnx; metrics to F.csv, F.parquet"
            answered = partial(self._export, run)
            self._host.show(Ask(question, f"{run.name}.safetensors", _target_words, complete=complete_path), answered)

    def _export(self, run: Run, target: str | None) -> None:
        if target is not None:
            self._host.begin(f"exporting {run.name}", partial(_exported, run, Path(target).expanduser()))


def _evaluated(run: Run, protocols: list[str], job: Job) -> str:
    found = evaluate_quietly(run, protocols, job.hear, cancel=job.cancel)
    return " · ".join(f"{run.name} {one.name}: {one.words}" for one in found) or f"{run.name}: no result"


def _exported(run: Run, target: Path, job: Job) -> str:
    if target.suffix in METRIC_SUFFIXES:
        return _written(export_metrics(run, str(target)))
    written = export_encoder(run, target, quiet=True, cancel=job.cancel)
    return f"{_written(written)}; how to load it: {written.files[1]}"


def _written(written: Written) -> str:
    return f"wrote {written.files[0]}: {written.content} ({size(written.bytes)})"


def _target_words(text: str) -> str:
    target = Path(text).expanduser()
    check_target(target, (*ENCODER_SUFFIXES, *METRIC_SUFFIXES), "export")
    content = "the metrics" if target.suffix in METRIC_SUFFIXES else "the encoder of the newest checkpoint"
    replaced = "; replaces the file that is there" if target.exists() else ""
    return f"{content}, into {target.absolute()}{replaced}"
