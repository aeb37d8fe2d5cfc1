"""`simclr eval RUN`: evaluate an encoder, in a separate process attached to this terminal."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from simclr_tui.cli import output
from simclr_tui.cli.confusion import confusion_lines
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, Runs, complete_run
from simclr_tui.display.knn_words import describe_knn, knn_facts
from simclr_tui.errors import RecipeError, StoreError
from simclr_tui.store.evaluations import Evaluation, read_evaluation
from simclr_tui.store.held_folder import HeldFolder
from simclr_tui.store.protocols import PROTOCOLS, usual_protocols
from simclr_tui.store.run import Run
from simclr_tui.text import duration, number, percent, safe, spread

_SHARES = {protocol.share: protocol.name for protocol in PROTOCOLS.values() if protocol.finetunes}


def evaluate(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[RUN|ENCODER]",
            help="A run, or a file of weights, torchvision:NAME or timm:NAME.",
            autocompletion=complete_run,
            show_default=False,
        ),
    ] = None,
    knn: Annotated[bool, typer.Option("--knn", help="k-nearest neighbours on h, by cosine.")] = False,
    linear: Annotated[bool, typer.Option("--linear", help="Linear probe on precomputed features.")] = False,
    linear_aug: Annotated[
        bool, typer.Option("--linear-aug", help="Linear probe trained with crop and flip, as in the paper.")
    ] = False,
    logreg: Annotated[bool, typer.Option("--logreg", help="Logistic regression by L-BFGS.")] = False,
    finetune: Annotated[
        list[str] | None,
        typer.Option(
            "--finetune", metavar="SHARE", help="Fine-tune all weights on 1%, 10% or 100% of the labels. Repeatable."
        ),
    ] = None,
    head_layers: Annotated[
        int | None,
        typer.Option(
            "--head-layers",
            min=1,
            help="Fine-tune from the head's hidden layer N (SimCLRv2), not from h.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None, typer.Option("--data", help="Evaluate on another data set.", show_default="the run's")
    ] = None,
    subset: Annotated[
        int | None, typer.Option("--subset", min=0, help="Training images (0: all).", show_default="the run's")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="Repeat with seeds 0 … N−1.")] = 1,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Training epochs.", show_default="each protocol's own")
    ] = None,
    step: Annotated[
        int | None, typer.Option("--step", min=0, help="Step of the checkpoint to evaluate.", show_default="the newest")
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--checkpoint", metavar="newest|best|STEP", help="Checkpoint to evaluate; best is by validation kNN."
        ),
    ] = "newest",
    knn_k: Annotated[int | None, typer.Option("--knn-k", min=1, help="Neighbours.", show_default="the run's")] = None,
    knn_weights: Annotated[
        Literal["similarity", "equal"] | None,
        typer.Option("--knn-weights", help="Weights of the neighbours' votes.", show_default="the run's"),
    ] = None,
    knn_temp: Annotated[
        float | None,
        typer.Option("--knn-temp", min=0.01, help="Temperature of weights by similarity.", show_default="0.1"),
    ] = None,
    device: Annotated[
        str | None, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", show_default="the run's")
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=0, help="CPU threads (0: all).", show_default="the run's")
    ] = None,
    baseline: Annotated[
        Literal["random", "supervised"] | None,
        typer.Option(
            "--baseline",
            help="Evaluate the encoder with random weights, or trained from those with all labels.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option("--encoder", help="What a file's weights belong to.", show_default="recognised")
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option("--image-size", min=8, max=1024, help="Side of an ENCODER's images.", show_default=False),
    ] = None,
    normalize: Annotated[
        Literal["none", "imagenet"] | None,
        typer.Option("--normalize", help="What an ENCODER expects of its images.", show_default=False),
    ] = None,
    eval_crop: Annotated[
        float | None,
        typer.Option(
            "--eval-crop", min=0.5, max=1.0, help="Central share of the side that an ENCODER sees.", show_default="1.0"
        ),
    ] = None,
    kept_as: Annotated[
        str | None, typer.Option("--name", help="Name of an ENCODER's read-only run.", show_default=False)
    ] = None,
    json: AsJson = False,
    runs: Runs = DEFAULT_RUNS,
) -> None:
    """Evaluate a run's encoder: kNN and a linear probe by default. Results are saved in the run.

    Hyperparameters are chosen on a held-out tenth of the training images; test images are used once, after the last
    epoch. Except for fine-tuning the encoder is frozen, and a digest proves it unchanged.

    An encoder from elsewhere is read as numbers, never run as code, and kept as a read-only run beside your own.
    """
    from simclr_tui.launch.evaluation import check_evaluation, check_head_layers
    from simclr_tui.launch.evaluation import evaluate as compute
    from simclr_tui.launch.foreign import record_knn, run_to_evaluate
    from simclr_tui.store.checkpoints import chosen_step
    from simclr_tui.store.store import Store

    flags = {"knn": knn, "linear": linear, "linear-aug": linear_aug, "logreg": logreg}
    protocols = [protocol for protocol, wanted in flags.items() if wanted]
    protocols += dict.fromkeys(_share(word) for word in finetune or [])
    about = {
        "data": data, "subset": subset, "encoder": encoder, "image_size": image_size, "normalize": normalize,
        "eval_crop": eval_crop,
    }  # fmt: skip
    known = {key: value for key, value in about.items() if value is not None}
    run = run_to_evaluate(Store(runs), name, known, baseline=baseline is not None, name=kept_as, find=find_run)
    if run.info.origin is not None:
        output.talk(f"{run.name}: {safe(run.info.note)}")
    if baseline == "supervised" and not protocols:
        protocols = ["finetune-100pct"]
    if step is not None and checkpoint != "newest":
        raise RecipeError("--step and --checkpoint both choose the checkpoint", "give one of them")
    step = chosen_step(run.paths, checkpoint) if step is None else step
    if knn_weights == "equal" and knn_temp is not None:
        raise RecipeError("--knn-temp weighs votes by similarity, --knn-weights equal does not", "give one of them")
    if head_layers is not None:
        if not any(PROTOCOLS[protocol].finetunes for protocol in protocols):
            raise RecipeError("--head-layers says where fine-tuning begins", "give --finetune 1% with it")
        check_head_layers(run, head_layers)
    check_evaluation(run, step=step, data=data, device=device)
    given = {
        "--data": data, "--subset": subset, "--seeds": seeds, "--epochs": epochs, "--step": step,
        "--knn-k": knn_k, "--knn-weights": knn_weights, "--knn-temp": knn_temp,
        "--device": device, "--threads": threads, "--head-layers": head_layers,
    }  # fmt: skip
    folder = HeldFolder(run.paths)
    code, names = compute(run, protocols or usual_protocols(), given)
    run = _found_again(run, folder)
    record_knn(run)
    found = [evaluation for result in names if (evaluation := read_evaluation(run.paths, result)) is not None]
    if json:
        output.data_json([evaluation.as_json() for evaluation in found])
    elif found:
        _print(found)
    raise typer.Exit(code)


def _found_again(run: Run, folder: HeldFolder) -> Run:
    """Return the run where it is now: its results went along with it. Raises StoreError if it was deleted."""
    now = folder.location()
    if now is None:
        raise StoreError(f"{run.name} was deleted while it was evaluated", "and its results with it")
    if now == run.path.resolve():
        return run
    output.talk(f"{run.name} was moved to {safe(str(now))} while it was evaluated; its results went along")
    return Run(now)


def _share(word: str) -> str:
    share = word.strip().removesuffix("%") + "%"
    if share not in _SHARES:
        raise RecipeError(f"--finetune takes {', '.join(_SHARES)} of the labels, not {word!r}", "try --finetune 10%")
    return _SHARES[share]


def _print(found: list[Evaluation]) -> None:
    titles = ["", "top-1", "top-5", "chosen", "data", "train", "test", "step", "time"]
    output.table(titles, [_cells(evaluation) for evaluation in found], right=(1, 2, 5, 6, 7, 8))
    seeds = max(len(evaluation.results) for evaluation in found)
    if seeds > 1:
        output.data(f"mean ± sample standard deviation over {seeds} seeds; confusion over all of them")
    for evaluation in found:
        output.data()
        for line in _said(evaluation):
            output.data(line)
        for line in confusion_lines(evaluation):
            output.data(line)


def _said(found: Evaluation) -> list[str]:
    """Return what a kNN accuracy was measured by, the balanced accuracy where classes are uneven, and the mAP."""
    measured = describe_knn(knn_facts(found))
    uneven = found.balanced is not None
    return [
        *([f"{found.name}: {measured}"] if measured else []),
        *([f"{found.name}: balanced {percent(found.balanced)}, the mean over the classes"] if uneven else []),
        *([f"{found.name}: mAP {percent(found.mean_ap)}, each class against the others"] if found.mean_ap else []),
    ]


def _cells(found: Evaluation) -> list[str]:
    chosen = ", ".join(f"{key} {number(value)}" for key, value in found.results[0].chosen.items())
    validation = found.results[0].validation
    return [
        found.name,
        spread(found.top1, found.top1_std),
        spread(found.top5, found.top5_std),
        f"{chosen} ({percent(validation)} on held-out)"
        if chosen and len(found.results) == 1
        else chosen and "per seed",
        found.data,
        f"{found.hyperparameters.get('labelled_images', found.train_images):,}",
        f"{found.test_images:,}",
        str(found.step),
        duration(found.seconds),
    ]
