"""Metrics taken elsewhere, read back by the programs that they are meant for."""

from __future__ import annotations

import csv
import math
import struct
import subprocess
import sys

import pyarrow.parquet
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.interpreter import extra_command
from simclr_tui.store.export.metrics import export_metrics
from simclr_tui.store.export.tensorboard import crc32c
from simclr_tui.store.run import Run
from tests.run_factory import make_run, metric_line, write_metrics


@pytest.fixture
def run(tmp_path) -> Run:
    """Two attempts, the second from step 4 on; kNN on lines of its own; one loss is not a number."""
    made = make_run(tmp_path / "runs", "run1", created=1_700_000_000.5)
    lines = [metric_line(step, loss=5 - step / 7, lr=0.1 / 3) for step in range(1, 7)]
    write_metrics(made.paths, 1, [metric_line(0, knn=0.1), *lines, metric_line(6, knn=0.9)])
    again = [metric_line(step, loss=None if step == 5 else 4 - step / 7, lr=0.1 / 3) for step in range(4, 9)]
    write_metrics(made.paths, 2, [*again, metric_line(8, knn=0.3)])
    return made


def points(run: Run, name: str) -> list[tuple[int, float]]:
    return list(zip(*run.history().points(name), strict=True))


def same(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


def assert_points(found: list[tuple[int, float]], run: Run, name: str, rounded: bool = False) -> None:
    expected = points(run, name)
    assert [step for step, _ in found] == [step for step, _ in expected]
    for (_, value), (_, wanted) in zip(found, expected, strict=True):
        assert same(value, struct.unpack("f", struct.pack("f", wanted))[0] if rounded else wanted)


def test_csv_reads_back_to_the_bit(run, tmp_path):
    written = export_metrics(run, str(tmp_path / "m.csv"))
    assert written.files == [str(tmp_path / "m.csv")]
    with (tmp_path / "m.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["step", "epoch", "time", "knn", "loss", "lr"]
    assert [int(row["step"]) for row in rows] == list(range(9))  # a step is one row, whatever lines told of it
    for name in ("knn", "loss", "lr"):
        assert_points([(int(row["step"]), float(row[name])) for row in rows if row[name]], run, name)
    assert float(rows[8]["epoch"]) == 0.8
    assert float(rows[8]["time"]) == pytest.approx(0.03 + 0.08)  # seconds of both attempts


def test_parquet_reads_back_to_the_bit(run, tmp_path):
    export_metrics(run, str(tmp_path / "m.parquet"))
    table = pyarrow.parquet.read_table(tmp_path / "m.parquet")
    assert table.schema.metadata[b"run"] == b"run1"
    columns = table.to_pydict()
    for name in ("knn", "loss", "lr"):
        found = [(s, v) for s, v in zip(columns["step"], columns[name], strict=True) if v is not None]
        assert_points(found, run, name)
    assert math.isnan(columns["loss"][5])  # measured, but not a number; kNN was not measured there
    assert columns["knn"][5] is None


@pytest.mark.parametrize("there", [False, True])
def test_tensorboard_reads_the_same_values(run, tmp_path, there):
    folder = tmp_path / "events"
    if there:
        folder.mkdir()
    target = str(folder) if there else f"{folder}/"
    export_metrics(run, target)
    export_metrics(run, target)  # a second time replaces, and does not double
    reader = EventAccumulator(str(folder / "run1"), size_guidance={"scalars": 0})
    reader.Reload()
    assert set(reader.Tags()["scalars"]) == {"knn", "loss", "lr"}
    for name in ("knn", "loss", "lr"):
        events = reader.Scalars(name)
        assert_points([(event.step, event.value) for event in events], run, name, rounded=True)
        assert events[0].wall_time >= 1_700_000_000.5
        assert [event.wall_time for event in events] == sorted(event.wall_time for event in events)


def test_the_sum_is_that_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c(bytes([0xFF] * 32)) == 0x62A8AB43


def test_a_large_step_and_an_overflowing_value_survive(tmp_path):
    made = make_run(tmp_path / "runs", "run1")
    write_metrics(made.paths, 1, [metric_line(2**40 + 5, loss=1e300), metric_line(2**40 + 6, loss=-0.0)])
    export_metrics(made, f"{tmp_path}/events/")
    reader = EventAccumulator(str(tmp_path / "events" / "run1"))
    reader.Reload()
    assert [(e.step, e.value) for e in reader.Scalars("loss")] == [(2**40 + 5, math.inf), (2**40 + 6, 0.0)]


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("m.json", ExitCode.USAGE, "F.parquet, or a folder"),
        ("nowhere", ExitCode.USAGE, "events/"),
        ("gone/m.csv", ExitCode.USAGE, "there is no folder"),
        ("file/m/", ExitCode.STORE, "cannot make"),
        ("file/m.csv", ExitCode.USAGE, "there is no folder"),
    ],
)
def test_a_target_that_cannot_be_is_one_sentence(run, tmp_path, target, code, said):
    (tmp_path / "file").write_text("")
    with pytest.raises(SimclrError, match=said) as caught:
        export_metrics(run, str(tmp_path / target.rstrip("/")) + "/" * target.endswith("/"))
    assert caught.value.exit_code == code
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "runs"]


def test_a_run_without_metrics_says_so(tmp_path):
    with pytest.raises(SimclrError, match="no metrics yet"):
        export_metrics(make_run(tmp_path / "runs", "run1"), str(tmp_path / "m.csv"))
    assert not (tmp_path / "m.csv").exists()


def test_a_missing_package_is_one_sentence_and_metrics_need_no_torch(run, tmp_path):
    code = (
        "import sys\n"
        "sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from simclr_tui.errors import SimclrError\n"
        "from simclr_tui.store.run import Run\n"
        "from simclr_tui.store.export.metrics import export_metrics\n"
        f"run, folder = Run(Path({str(run.path)!r})), {str(tmp_path)!r}\n"
        "export_metrics(run, folder + '/m.csv'); export_metrics(run, folder + '/events/')\n"
        "try: export_metrics(run, folder + '/m.parquet')\n"
        "except SimclrError as error: print(error)\n"
        "assert not {'torch', 'numpy', 'tensorboard'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = f"a Parquet file needs pyarrow, which is not installed — type: {extra_command('parquet')}"
    assert done.stdout.strip() == said
    assert not (tmp_path / "m.parquet").exists()
