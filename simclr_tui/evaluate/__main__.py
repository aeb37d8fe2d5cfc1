"""`python -m simclr_tui.evaluate RUN_DIR`: evaluate a run's encoder.

The name of every result is printed as soon as its file is written; progress and errors go to stderr.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.evaluate.progress import ProgressLine
from simclr_tui.recipe.datasets import resolve_auto
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.held_folder import HeldFolder
from simclr_tui.store.protocols import PROTOCOLS
from simclr_tui.store.run import Run
from simclr_tui.text import safe


def main(arguments: list[str] | None = None) -> int:
    """Run the evaluation and return the process's exit code (see `errors.ExitCode`)."""
    given = _parser().parse_args(arguments)
    progress = ProgressLine()
    try:
        return _evaluate(given, progress)
    except SimclrError as error:
        progress.clear()
        print(f"simclr: {safe(str(error))}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        progress.clear()
        print(f"simclr: the result cannot be written: {error.strerror} — see simclr doctor", file=sys.stderr)
        return ExitCode.STORE
    except KeyboardInterrupt:
        progress.clear()
        print("interrupted: finished results are kept, the rest was not written", file=sys.stderr)
        return ExitCode.INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.evaluate", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--protocols", default="knn,linear", help="names, joined by commas")
    parser.add_argument("--data", help="data set to evaluate on (default: the run's)")
    parser.add_argument("--subset", type=int, help="training images (0: all)")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="epochs of training (default: each protocol's own)")
    parser.add_argument("--step", type=int, help="step of the checkpoint (default: the newest)")
    parser.add_argument("--head-layers", type=int, default=0, help="layers of the head that are fine-tuned too")
    parser.add_argument("--knn-k", type=int)
    parser.add_argument("--knn-weights", choices=["similarity", "equal"], help="default: the run's")
    parser.add_argument("--knn-temp", type=float, help="of the weights by similarity (default: 0.1)")
    parser.add_argument("--device")
    parser.add_argument("--threads", type=int)
    return parser


def _temperature(given: argparse.Namespace, recipe: Recipe) -> float:
    """Return the temperature of the votes; one that is given asks for weights by similarity."""
    from simclr_tui.train.observe.knn import vote_temperature

    if given.knn_temp is not None and given.knn_weights is None:
        return float(given.knn_temp)
    chosen = vote_temperature(msgspec.structs.replace(recipe, knn_weights=given.knn_weights or recipe.knn_weights))
    return chosen if chosen == float("inf") or given.knn_temp is None else float(given.knn_temp)


def _evaluate(given: argparse.Namespace, progress: ProgressLine) -> int:
    folder = HeldFolder(Run(given.run).paths)  # whatever its name becomes meanwhile, the results are this run's
    progress("loading torch", 0, 0)

    from simclr_tui.evaluate.checkpoint_encoder import load_checkpoint_encoder
    from simclr_tui.evaluate.context import Settings
    from simclr_tui.evaluate.runner import EvaluationData, evaluate, open_context
    from simclr_tui.train.out_of_memory import is_out_of_memory

    run = Run(folder.location() or given.run)
    loaded = load_checkpoint_encoder(run, given.step, device=given.device, threads=given.threads)
    for damage in loaded.damages:
        progress.clear()
        print(f"skipped a damaged checkpoint: {safe(damage)}", file=sys.stderr)
    recipe = loaded.recipe
    name = resolve_auto()[0] if given.data == "auto" else given.data or recipe.data
    subset = given.subset if given.subset is not None else recipe.subset if name == recipe.data else 0
    data = EvaluationData(name, subset)
    settings = Settings(given.knn_k or recipe.knn_k, _temperature(given, recipe), given.epochs, given.head_layers)
    chosen = [PROTOCOLS[name] for name in given.protocols.split(",")]
    try:
        context = open_context(loaded, data, settings, progress=progress)
        if context.range_change:
            progress.clear()
            print(f"note: {context.range_change}", file=sys.stderr)
        for evaluation in evaluate(loaded, data, context, protocols=chosen, seeds=given.seeds, paths=folder.paths):
            progress.clear()
            print(evaluation.name, flush=True)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        progress.clear()
        print("simclr: out of memory — evaluate on the CPU: --device cpu", file=sys.stderr)
        return ExitCode.OUT_OF_MEMORY
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
