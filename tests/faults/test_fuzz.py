"""Whatever a file or a word holds, reading it gives a value or an error of ours: never a crash, never a trace."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simclr_tui.catalog.filter import complete_filter, parse_filter
from simclr_tui.catalog.row import make_row
from simclr_tui.errors import SimclrError
from simclr_tui.recipe.resolve import from_toml, resolve, to_toml
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, read_ticket, write_ticket
from simclr_tui.text import safe
from tests.run_factory import make_run, metric_line, save_checkpoint, write_metrics

TOKENS = [
    b"\x00", b"\xff", b"\xed\xa0\x80", b"{", b"}", b"[" * 3000, b'"', b"\\u0000", b"\\ud800", b"null", b"NaN", b"-1",
    b"1e999",
    b"9" * 400, b"=", b"\n", b"\x1b[2J", b"[[x]]\n", b"inf", b"true", b"'''", b"1979-05-27T07:32:00Z",
    b"\r", b"\xe2\x80\xae",
]  # fmt: skip


@st.composite
def damaged(draw, whole: bytes) -> bytes:
    """Those bytes with pieces cut out, doubled, turned or replaced by something awkward."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6), st.just(data[start:end] * 2)))
        data = data[:start] + piece + data[end:]
    return data


def tried(count: int, strategy: st.SearchStrategy, act: Callable) -> None:
    """The same `count` examples at every run."""
    known = settings(
        max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    known(given(strategy)(act))()


def sentence_or(act: Callable):
    """What it gives; None where it refuses with a sentence that a terminal can show."""
    try:
        return act()
    except SimclrError as error:
        said = error
    assert said.message
    for text in (said.message, said.hint):
        assert safe(text, keep_newlines=True) == text
    return None


@pytest.fixture
def run(tmp_path):
    run = make_run(tmp_path, "run1", tags=["paper"], note="a note", step=3, steps=9, summary={"loss": 1.5})
    write_metrics(run.paths, 1, [metric_line(step, loss=5.0 / step) for step in range(1, 9)])
    save_checkpoint(run.paths, 3)
    write_ticket(run.paths, Ticket(priority=2, after=("run9",)))
    return run


def test_damaged_recipes(run, fault):
    whole = run.paths.recipe.read_bytes()
    again = to_toml(resolve("quick"))

    def read(data):
        run.paths.recipe.write_bytes(data)
        resolved = sentence_or(lambda: run.resolved)
        if resolved is not None:
            assert from_toml(to_toml(resolved)).recipe == resolved.recipe

    tried(fault("F8", 2000, "damaged recipes", few=60), damaged(whole), read)
    assert from_toml(again).recipe == resolve("quick").recipe


@pytest.mark.parametrize("name", ["info", "state"])
def test_damaged_words_about_a_run(run, name, fault):
    path = getattr(run.paths, name)
    store = Store(run.path.parent)

    def read(data):
        path.write_bytes(data)
        sentence_or(lambda: run.info)
        sentence_or(lambda: (run.status.progress, run.status.eta, make_row(run, "")))
        sentence_or(lambda: store.find("@last"))
        assert store.names() == ["run1"]

    tried(fault("F8", 2000, "damaged run.json and state.json", few=60), damaged(path.read_bytes()), read)


def test_damaged_manifests_and_tickets(run, fault):
    manifest, ticket = run.paths.manifest(3), run.paths.ticket

    def read(both):
        manifest.write_bytes(both[0])
        ticket.write_bytes(both[1])
        assert all(found.step == 3 for found in run.checkpoints)
        assert read_ticket(run.paths) is not None

    pairs = st.tuples(damaged(manifest.read_bytes()), damaged(ticket.read_bytes()))
    tried(fault("F7", 2000, "damaged manifests and tickets", few=60), pairs, read)


def test_any_filter_is_read_or_refused(run, fault):
    rows = [make_row(run, "")]
    words = ["bs", "state", "tag", "knn", "temp", "note", "name", ">=", "<", "!=", ":", "~", "=", "-", '"', " ", ",",
             "nan", "1e400", "running", "0x1", "\x1b[2J", "١", "\ud800", "("]  # fmt: skip
    typed = st.lists(st.one_of(st.sampled_from(words), st.text(st.characters(), max_size=4))).map("".join)

    def read(text):
        found = sentence_or(lambda: parse_filter(text))
        if found is not None:
            assert found(rows[0]) in (True, False)
        assert isinstance(complete_filter(text, rows), list)

    tried(fault("F23", 5000, "texts as a filter", few=150), typed, read)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_damaged_image_is_decoded_or_left_out(tmp_path, kind, fault):
    import numpy as np
    from PIL import Image

    from simclr_tui.train.data.each import for_each
    from simclr_tui.train.data.scaling import Scaling
    from simclr_tui.train.data.sources.files import FolderSource
    from simclr_tui.train.data.sources.protocol import pixels_of, survey

    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (24, 20, 3), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    path = tmp_path / "image"
    source = FolderSource(tmp_path)

    def read(data):
        path.write_bytes(data)
        for task in (survey, lambda of, name: pixels_of(of, name, Scaling(8)).shape):
            assert for_each("x", ["image"], lambda _, name, task=task: task(source, name), progress=lambda *_: None)

    tried(fault("F18", 1000, "damaged images of five kinds", few=20), damaged(buffer.getvalue()), read)
