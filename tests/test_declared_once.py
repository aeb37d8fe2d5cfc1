"""What is true of several faces is declared in one place: no second list of metrics, states, protocols or names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import simclr_tui
from simclr_tui.evaluate.protocols.table import measure_of
from simclr_tui.recipe.datasets import KNOWN
from simclr_tui.recipe.presets import preset_names
from simclr_tui.store.metrics.metric_table import METRICS
from simclr_tui.store.protocols import PROTOCOLS
from simclr_tui.store.state import FLAGS, STATES

PACKAGE = Path(simclr_tui.__file__).parent

# Vocabulary → the files that declare it, and those that say why a few of its words stand together there.
VOCABULARIES: dict[str, tuple[frozenset[str], dict[str, str]]] = {
    "metrics": (
        frozenset(METRICS),
        {
            "store/metrics/metric_table.py": "the declaration",
            "store/energy.py": "the supervisor measures them: what stands in each place of a sum",
            "train/loss.py": "the objective's own figures, in the order of its tensor",
            "train/observe/step_metrics.py": "the trainer writes them: what stands in each place of a tensor",
            "train/observe/health.py": "the trainer writes them",
            "display/explanations.py": "ten lines on each that needs them",
            "tui/feed/metric_view.py": "the first page: does it learn, is the GPU full, is it busy",
            "cli/commands/show.py": "one line on kNN: first, now, best",
            "bench/": "figures of a benchmark, not of a run",
            "evaluate/": "hyperparameters of a probe: lr is one",
        },
    ),
    "states": (
        frozenset(STATES),
        {
            "store/state.py": "the declaration",
            "display/glyphs.py": "how each is drawn",
            "catalog/news.py": "a sentence for each end",
            "config.py": "what may be news",
        },
    ),
    "flags": (
        frozenset(FLAGS),
        {
            "store/state.py": "the declaration",
            "display/state_facts.py": "a word for each",
            "catalog/news.py": "a sentence for each",
            "config.py": "what may be news",
        },
    ),
    "protocols": (
        frozenset(PROTOCOLS),
        {
            "store/protocols.py": "the declaration",
            "evaluate/protocols/table.py": "the code of each",
            "cli/commands/evaluate.py": "flags of protocols",
        },
    ),
    "presets": (frozenset(preset_names()), {}),
    "data sets": (
        frozenset(KNOWN),
        {"recipe/datasets.py": "the declaration", "train/data/torchvision_sets.py": "the class that reads each"},
    ),
}


def collections() -> Iterator[tuple[str, int, frozenset[str]]]:
    """Every literal list, tuple, set or dict of the package (and every Literal type) with the words in it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            items: list[ast.expr | None] = []
            if isinstance(node, ast.List | ast.Tuple | ast.Set):
                items = list(node.elts)
            elif isinstance(node, ast.Dict):
                items = list(node.keys)
            words = frozenset(
                item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)
            )
            if words:
                yield str(path.relative_to(PACKAGE)), node.lineno, words


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_no_second_list_stands_anywhere(vocabulary):
    words, allowed = VOCABULARIES[vocabulary]
    found = [
        f"{file}:{line}: {sorted(there & words)}"
        for file, line, there in collections()
        if len(there & words) > (3 if vocabulary == "states" else 2)  # three states make a condition, not a list
        and not any(file.startswith(known) for known in allowed)
    ]
    assert not found, f"read the declaration of {vocabulary} instead of listing them again: {found}"


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_file_that_may_list_them_still_does(vocabulary):
    _, allowed = VOCABULARIES[vocabulary]
    for known in allowed:
        assert (PACKAGE / known).exists(), known


@pytest.mark.parametrize("vocabulary", ["presets", "data sets", "protocols"])
def test_no_help_names_them_by_hand(vocabulary):
    """A sentence that counts three of them up would be forgotten when a fourth comes."""
    words, _ = VOCABULARIES[vocabulary]
    found: list[str] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                named = {word for word in node.value.replace(",", " ").replace(":", " ").split() if word in words}
                if len(named) >= 3:
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}: {sorted(named)}")
    assert not found


def test_every_protocol_has_its_code():
    for protocol in PROTOCOLS.values():
        assert callable(measure_of(protocol))


def test_every_metric_says_what_it_is():
    for metric in METRICS.values():
        assert metric.title
        assert len(metric.short) <= 9
        assert metric.about[0].islower()
        assert not metric.about.endswith(".")
        assert metric.column or metric.series, f"{metric.name} is shown nowhere"
        assert not (metric.grouped or metric.listed) or metric.column
        assert metric.better or not metric.within or metric.name == "knn_first"  # where training begins is no merit
