"""`simclr show RUN`: print everything known about one run."""

from __future__ import annotations

import datetime

import msgspec

from simclr_tui.cli import output
from simclr_tui.cli.find import find_run
from simclr_tui.cli.options import DEFAULT_RUNS, AsJson, RunName, Runs
from simclr_tui.display.glyphs import state_cell
from simclr_tui.display.knn_words import describe_knn
from simclr_tui.recipe.fields import fields
from simclr_tui.store.data_facts import read_data_facts
from simclr_tui.store.energy import Energy, read_energy
from simclr_tui.store.evaluations import read_evaluations
from simclr_tui.store.run import Run
from simclr_tui.store.state import State
from simclr_tui.store.store import Store
from simclr_tui.text import duration, energy, number, percent, safe, size, sparkline, value_text


def show(name: RunName, json: AsJson = False, runs: Runs = DEFAULT_RUNS) -> None:
    """Show a run: state, metrics, recipe with the source of each value, checkpoints and events."""
    from simclr_tui.launch.placement import refresh

    store = Store(runs)
    refresh(store)
    found = find_run(store, name)
    status = found.status
    waits = _waits(store, found) if status.state == "queued" else {}
    if json:
        return output.data_json(_as_json(found, status) | waits)
    _print_state(found, status, waits)
    _print_recipe(found)
    _print_events(found)
    return None


def _waits(store: Store, run: Run) -> dict[str, object]:
    """Return a queued run's position and what it is waiting for."""
    from simclr_tui.launch.queue.dependencies import waits_for
    from simclr_tui.launch.queue.queue import waiting_runs, why_paused

    waiting = waiting_runs(store)
    if run.name not in waiting:
        return {}
    paused = why_paused(store)
    waits = waits_for(store, waiting[run.name]).reason or (f"the queue is paused: {paused}" if paused else "")
    return {"place": list(waiting).index(run.name) + 1, "waiting": len(waiting), "waits": waits}


def _as_json(run: Run, status: State) -> dict[str, object]:
    info, resolved, data = run.info, run.resolved, read_data_facts(run.path)
    return {
        "name": run.name,
        "state": status.state,
        "flags": list(status.flags),
        "reason": status.reason,
        "exit_code": status.exit_code,
        "path": str(run.path.resolve()),
        "created": info.created,
        "tags": info.tags,
        "note": info.note,
        "command": info.command,
        "git_commit": info.git_commit,
        "data": None if data is None else msgspec.to_builtins(data),
        "version": info.version,
        "preset": resolved.preset,
        "recipe": resolved.known_values(),
        "sources": resolved.sources,
        "step": status.step,
        "steps": status.steps,
        "attempt": status.attempt,
        "seconds": status.elapsed + status.time,
        "summary": status.summary,
        "facts": status.facts,
        "energy": msgspec.to_builtins(read_energy(run.paths)),
        "checkpoints": [manifest.step for manifest in run.checkpoints],
        "best_checkpoint": _best_checkpoint(run),
        "evaluations": [evaluation.summary() for evaluation in read_evaluations(run.paths)],
    }


def _print_state(run: Run, status: State, waits: dict[str, object]) -> None:
    info, summary, facts = run.info, status.summary, status.facts
    created = datetime.datetime.fromtimestamp(info.created).strftime("%Y-%m-%d %H:%M:%S")
    own = f"{facts['validation_images']} validation images, " if facts.get("validation_images") else ""
    rows = [
        ["state", state_cell(status.state, status.flags)],
        ["queue", f"position {waits['place']} of {waits['waiting']}  {waits['waits']}" if waits else ""],
        ["reason", status.reason],
        ["progress", f"{status.step} of {status.steps} steps ({percent(status.progress)}), attempt {status.attempt}"],
        ["time", f"{duration(status.elapsed + status.time)}, ETA {duration(status.eta)}"],
        ["kNN", _knn(summary)],
        ["", describe_knn(facts) if "knn" in summary else ""],
        [
            "linear probe",
            f"{percent(summary['probe_accuracy'])} on the same images" if "probe_accuracy" in summary else "",
        ],
        ["loss", f"{number(summary.get('loss'))}  {sparkline(run.history().points('loss').values)}"],
        ["speed", f"{number(summary.get('images_per_s'))} images/s"],
        ["GPU memory", size(summary.get("gpu_allocated")) if "gpu_allocated" in summary else ""],
        ["energy", _energy(run)],
        ["data", f"{facts.get('images', '?')} images, {own}{facts.get('test_images', '?')} test images"],
        *[["", sentence] for sentence in _data_sentences(run)],
        ["damaged", f"{facts['damaged_images']} images replaced" if facts.get("damaged_images") else ""],
        ["device", f"{facts.get('device', '?')}, {facts.get('precision', '?')}, torch {facts.get('torch', '?')}"],
        ["created", created],
        ["imported", f"{info.origin.source}: {info.origin.words}" if info.origin else ""],
        ["command", " ".join(info.command)],
        ["tags", ", ".join(info.tags)],
        ["note", info.note],
        ["folder", str(run.path)],
        ["checkpoints", ", ".join(_checkpoint_words(run)) or "none yet"],
        *[[f"eval {found.name}", found.words] for found in read_evaluations(run.paths)],
    ]
    output.facts(run.name, [row for row in rows if row[1]])


def _best_checkpoint(run: Run) -> dict[str, object] | None:
    best = run.best_checkpoint
    return None if best is None else {"step": best.step, "epoch": best.epoch, "knn": best.knn}


def _checkpoint_words(run: Run) -> list[str]:
    """Return each checkpoint's step and size, newest first; the best with what made it the best."""
    best = run.best_checkpoint
    return [
        f"step {found.step} ({size(found.bytes)}"
        + (f", the best: kNN {percent(found.knn)} on validation images)" if found == best else ")")
        for found in run.checkpoints
    ]


def _energy(run: Run) -> str:
    """Return what the run has cost: GPU time and energy; empty where nothing was measured."""
    found = read_energy(run.paths)
    if found == Energy():
        return ""
    return f"GPU {energy(found.gpu)} in {duration(found.gpu_seconds)} of GPU time, CPU {energy(found.cpu)}"


def _data_sentences(run: Run) -> list[str]:
    """Return what the trainer found of the images, and what is wrong with them."""
    facts = read_data_facts(run.path)
    if facts is None:
        return []
    return [safe(sentence) for sentence in (*facts.sentences, *(f"warning: {warning}" for warning in facts.warnings))]


def _knn(summary: dict[str, float]) -> str:
    if "knn" not in summary:
        return ""
    first, last, best = (percent(summary.get(key)) for key in ("knn_first", "knn", "knn_best"))
    balanced = f", balanced {percent(summary['knn_balanced'])}" if "knn_balanced" in summary else ""
    return f"{first} before the first step → {last}, best {best}{balanced}"


def _print_recipe(run: Run) -> None:
    resolved = run.resolved
    known = resolved.known_values()
    output.data()
    rows = [
        [item.short, _shown(known[item.short]), resolved.sources.get(item.key, "default"), item.paper]
        for item in fields()
    ]
    output.table(["recipe", "value", "from", "paper"], rows)


def _shown(value: object) -> str:
    return value_text(value)


def _print_events(run: Run) -> None:
    events = [event for event in run.events if event.event not in ("checkpoint", "evaluation")][-10:]
    if events:
        output.data()
    for event in events:
        when = datetime.datetime.fromtimestamp(event.wall).strftime("%H:%M:%S")
        at = f" at step {event.step}" if event.step is not None else ""
        output.data(safe(f"{when}  attempt {event.attempt}  {event.event}{at}  {event.message}"))
