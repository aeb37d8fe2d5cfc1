"""Runs of other programs, written by their own libraries where these are installed, list and compare beside our own."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from simclr_tui.catalog.catalog import Catalog
from simclr_tui.catalog.compare import compare
from simclr_tui.errors import DataError, NotFoundError, RecipeError, StoreError
from simclr_tui.imports.known_fields import parse_fields
from simclr_tui.imports.metric_names import parse_names
from simclr_tui.imports.sources import import_runs
from simclr_tui.launch.plan import plan_clone
from simclr_tui.launch.start import resume
from simclr_tui.store.export.metrics import export_metrics
from simclr_tui.store.run import Run
from simclr_tui.store.store import Store
from tests.run_factory import make_run, metric_line, save_checkpoint, write_metrics


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "runs")


def imported(store, source, *, metric=(), fields=(), name=None) -> list[Run]:
    found = import_runs(store, source, names=parse_names(list(metric)), fields=parse_fields(list(fields)), name=name)
    assert found.refused == []
    return [run for run, _ in found.runs]


def own_run(root: Path, name: str, **knn) -> Run:
    run = make_run(root, name, summary={"knn": 0.5, "loss": 4.0})
    write_metrics(run.paths, 1, [metric_line(0, knn=0.2), *(metric_line(s, loss=5.0 - s) for s in (1, 2))])
    return run


# TensorBoard


def test_scalars_that_torch_writes_are_read_in_both_styles_with_the_hyperparameters(store, tmp_path):
    pytest.importorskip("tensorboard")
    code = f"""
from torch.utils.tensorboard import SummaryWriter
for name, top in (("a", 0.8), ("b/c", 80.0)):
    writer = SummaryWriter({str(tmp_path / "logs")!r} + "/" + name)
    for step in range(20):
        writer.add_scalar("train/loss", 5 - step / 10, step)
        writer.add_scalar("tensor", step / 3, step, new_style=True)
    writer.add_scalar("kNN", top, 19)
    writer.add_text("note", "words", 0)
    writer.add_hparams({{"tau": 0.2, "batch_size": 256, "backbone": "resnet50"}}, {{"hparam/x": 1.0}}, run_name=".")
    writer.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=240)
    first, second = imported(store, f"tensorboard:{tmp_path / 'logs'}")
    assert [first.name, second.name] == ["a", "b-c"]
    assert first.metric("loss").steps == list(range(20))
    assert first.metric("loss").values == pytest.approx([5 - step / 10 for step in range(20)])
    assert first.metric("tensor").values == pytest.approx([step / 3 for step in range(20)])
    for run in (first, second):
        assert run.metric("knn").values == pytest.approx([0.8])
    known = first.resolved.known_values()
    assert (known["temp"], known["bs"], known["encoder"], known["data"]) == (0.2, 256, "resnet50", None)


def test_our_own_event_files_come_back_as_they_were(store, tmp_path):
    run = own_run(tmp_path / "theirs", "mine")
    export_metrics(run, f"{tmp_path}/events/")
    (back,) = imported(store, f"tensorboard:{tmp_path / 'events'}")
    assert back.metric("loss") == run.metric("loss")
    assert back.metric("knn") == ([0], [pytest.approx(0.2)])


def test_damage_in_an_event_file_costs_what_is_damaged_and_is_told(store, tmp_path):
    run = own_run(tmp_path / "theirs", "mine")
    written = Path(export_metrics(run, f"{tmp_path}/events/").files[0])
    data = bytearray(written.read_bytes())
    data[-6] ^= 0xFF  # in the last record
    written.write_bytes(bytes(data) + data[:9])  # and a record that is still being written
    ((back, words),) = import_runs(store, f"tensorboard:{tmp_path / 'events'}", names={}, fields={}).runs
    assert back.metric("loss").steps == [1]
    assert "1 damaged record passed over" in words


# Weights & Biases


def log_pieces(records: list[bytes]) -> bytes:
    """A .wandb file: LevelDB's log, with wandb's head and checksums."""
    out = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        first, rest = True, record
        while first or rest:
            room = 32768 - len(out) % 32768
            if room < 7:
                out += bytes(room)
                continue
            piece, rest = rest[: room - 7], rest[room - 7 :]
            kind = (1 if first else 4) if not rest else (2 if first else 3)
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
    return bytes(out)


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


def part(number: int, content: bytes | str | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def item(key: str, value: object) -> bytes:
    return part(1, key) + part(16, json.dumps(value))


def wandb_records(rows: list[dict], *, name="theirs", config=(), exit_code=None) -> list[bytes]:
    configs = b"".join(part(1, item(key, value)) for key, value in config)
    start = part(1, "id1") + part(8, name) + part(4, configs) + part(9, "a note")
    records = [part(17, start)]
    for step, row in enumerate(rows):
        items = b"".join(part(1, item(key, value)) for key, value in row.items())
        records.append(part(2, items + part(2, part(1, step))))
    return records + ([part(18, part(1, exit_code))] if exit_code is not None else [])


def wandb_file(folder: Path, data: bytes) -> Path:
    target = folder / "wandb" / "offline-run-1" / "run-id1.wandb"
    target.parent.mkdir(parents=True)
    target.write_bytes(data)
    return folder


def test_a_wandb_file_of_many_blocks_is_read(store, tmp_path):
    rows = [{"loss": 9 - step / 100, "pad": "x" * 999, "_timestamp": 1e9 + step} for step in range(400)]
    config = [("optim", {"temperature": 0.1}), ("batch_size", {"value": 512}), ("_wandb", {"x": 1})]
    data = log_pieces(wandb_records(rows, config=config, exit_code=0))
    assert len(data) > 10 * 32768
    (run,) = imported(store, f"wandb:{wandb_file(tmp_path / 'w', data)}")
    assert (run.name, run.state, run.info.note) == ("theirs", "finished", "a note")
    assert run.metric("loss").values == [9 - step / 100 for step in range(400)]
    assert (run.resolved.known_values()["temp"], run.recipe.batch_size) == (0.1, 512)
    assert run.status.time == 399


@pytest.mark.parametrize(("code", "state"), [(0, "finished"), (1, "failed"), (None, "lost")])
def test_a_wandb_run_has_the_state_that_its_exit_says(store, tmp_path, code, state):
    data = log_pieces(wandb_records([{"loss": 1.0}], exit_code=code))
    (run,) = imported(store, f"wandb:{wandb_file(tmp_path / 'w', data)}")
    assert run.state == state


def test_damage_in_a_wandb_file_costs_what_is_damaged_and_a_torn_end_nothing(store, tmp_path):
    records = wandb_records([{"loss": float(step)} for step in range(9)])
    whole = log_pieces(records)
    data = bytearray(whole + whole[7:20])
    data[len(log_pieces(records[:5])) - 2] ^= 0xFF
    ((run, words),) = import_runs(store, f"wandb:{wandb_file(tmp_path / 'w', bytes(data))}", names={}, fields={}).runs
    assert run.metric("loss").steps == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "1 damaged record passed over" in words


def test_runs_that_wandb_itself_logs_are_read(store, tmp_path):
    pytest.importorskip("wandb")
    code = f"""
import os
os.environ |= {{"WANDB_MODE": "offline", "WANDB_SILENT": "true"}}
import wandb
run = wandb.init(dir={str(tmp_path)!r}, name="real", config={{"temperature": 0.2, "a": {{"batch_size": 64}}}})
for step in range(30):
    run.log({{"train/loss": 5 - step / 10, "deep": {{"x": step}}, "text": "t", "bad": float("nan")}})
run.finish()
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=240)
    (run,) = imported(store, f"wandb:{tmp_path / 'wandb'}")
    assert (run.name, run.state) == ("real", "finished")
    assert run.metric("loss").values == [5 - step / 10 for step in range(30)]
    assert run.metric("deep.x").values == [float(step) for step in range(30)]
    assert all(map(math.isnan, run.metric("bad").values))
    assert (run.recipe.temperature, run.recipe.batch_size) == (0.2, 64)


# MLflow


def mlflow_folder(root: Path, run_id="f00", *, name="theirs", status=3, stage="active") -> Path:
    home = root / "mlruns" / "1" / run_id
    for folder in ("metrics/train", "params", "tags"):
        (home / folder).mkdir(parents=True)
    meta = {"run_id": run_id, "run_name": "''", "start_time": 1700000000000, "status": status, "lifecycle_stage": stage}
    (home / "meta.yaml").write_text("".join(f"{key}: {value}\n" for key, value in meta.items()))
    lines = "".join(f"{1700000000000 + 1000 * step} {5 - step} {step}\n" for step in range(4))
    (home / "metrics" / "train" / "loss").write_text(lines + "17000000")
    (home / "metrics" / "knn").write_text("1700000001000 0.4 0\n1700000002000 0.6 0\n")
    (home / "params" / "temperature").write_text("0.2")
    (home / "tags" / "mlflow.runName").write_text(name)
    return root / "mlruns"


def test_the_folders_of_mlflow_are_read_and_deleted_runs_left_out(store, tmp_path):
    mlflow_folder(tmp_path)
    root = mlflow_folder(tmp_path, "f01", stage="deleted")
    (run,) = imported(store, f"mlflow:{root}")
    assert (run.name, run.state, run.recipe.temperature) == ("theirs", "finished", 0.2)
    assert run.metric("loss") == ([0, 1, 2, 3], [5, 4, 3, 2])
    assert run.metric("knn") == ([0, 1], [0.4, 0.6])
    assert "knn was logged without steps" in run.info.origin.words
    assert run.status.time == 3


@pytest.mark.parametrize(("status", "state"), [(1, "lost"), (3, "finished"), (4, "failed"), (5, "stopped")])
def test_an_mlflow_run_has_the_state_that_mlflow_says(store, tmp_path, status, state):
    (run,) = imported(store, f"mlflow:{mlflow_folder(tmp_path, status=status)}")
    assert run.state == state


def test_a_damaged_mlflow_run_does_not_keep_the_others_out(store, tmp_path):
    mlflow_folder(tmp_path)
    root = mlflow_folder(tmp_path, "f01")
    (root / "1" / "f01" / "metrics" / "knn").write_text("x y z\n")
    found = import_runs(store, f"mlflow:{root}", names={}, fields={})
    assert [run.name for run, _ in found.runs] == ["theirs"]
    assert len(found.refused) == 1
    assert "f01" in found.refused[0]


def test_runs_that_mlflow_itself_logs_are_read_from_folders_and_from_its_database(store, tmp_path):
    pytest.importorskip("mlflow")
    for uri in (f"file://{tmp_path}/folders", f"sqlite:///{tmp_path}/mlflow.db"):
        code = f"""
import mlflow
mlflow.set_tracking_uri({uri!r})
mlflow.create_experiment("e", artifact_location={f"file://{tmp_path}/artifacts"!r})
mlflow.set_experiment("e")
with mlflow.start_run(run_name="real"):
    mlflow.log_params({{"temperature": 0.2, "batch_size": 256}})
    for step in range(20):
        mlflow.log_metric("train/loss", 5 - step / 10, step=step)
    mlflow.log_metric("bad", float("nan"), step=3)
"""
        environment = os.environ | {"MLFLOW_ALLOW_FILE_STORE": "true"}
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=240, env=environment)
    for source in ("folders", "mlflow.db"):
        (run,) = imported(Store(tmp_path / source.partition(".")[0] / "runs"), f"mlflow:{tmp_path / source}")
        assert (run.name, run.state, run.recipe.temperature, run.recipe.batch_size) == ("real", "finished", 0.2, 256)
        assert run.metric("loss").values == [5 - step / 10 for step in range(20)]
        assert all(map(math.isnan, run.metric("bad").values))


def test_the_database_of_another_program_is_refused(store, tmp_path):
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("create table other (x)")
    database.close()
    with pytest.raises(DataError, match="no such table"):
        imported(store, f"mlflow:{tmp_path}")


# Tables


def test_a_table_of_lightning_is_read(store, tmp_path):
    table = tmp_path / "version_3" / "metrics.csv"
    table.parent.mkdir()
    table.write_text("epoch,step,train_loss,val_knn\n0,0,5.5,\n0,10,5.1,\n0,10,,20\n1,20,4.0,\n1,20,,35\n")
    (run,) = imported(store, f"csv:{table}", fields=["temp=0.5"])
    assert run.name == "version_3"
    assert run.metric("loss") == ([0, 10, 20], [5.5, 5.1, 4.0])
    assert run.metric("knn") == ([10, 20], [0.2, 0.35])
    assert list(run.history().epoch) == [0, 0, 1]
    assert "val_knn is in percent there" in run.info.origin.words
    assert (run.recipe.temperature, run.resolved.sources["temperature"]) == (0.5, "flag")


def test_what_export_writes_comes_back_with_every_digit(store, tmp_path):
    mine = own_run(tmp_path / "theirs", "mine")
    export_metrics(mine, str(tmp_path / "m.csv"))
    (run,) = imported(store, f"csv:{tmp_path / 'm.csv'}")
    assert run.metric("loss") == mine.metric("loss")
    assert list(run.history().epoch) == list(mine.history().epoch)


def test_rows_are_counted_where_there_are_no_steps_and_a_name_can_be_given(store, tmp_path):
    (tmp_path / "t.csv").write_text("nt,acc\n5,1\n4,\n3,2\n")
    (run,) = imported(store, f"csv:{tmp_path / 't.csv'}", metric=["nt=loss"], name="named")
    assert run.name == "named"
    assert run.metric("loss") == ([0, 1, 2], [5, 4, 3])
    assert "its rows are counted" in run.info.origin.words


@pytest.mark.parametrize(
    ("text", "why"),
    [("", "no header"), ("1,2\n3,4\n", "no header"), ("a,a\n1,2\n", "two columns"), ("a,b\nx,y\n", "no numbers"),
     ("a\n\xff".encode("latin-1"), "UTF-8")],
)  # fmt: skip
def test_a_table_that_cannot_be_meant_is_refused_and_leaves_nothing(store, tmp_path, text, why):
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=why):
        imported(store, f"csv:{tmp_path / 't.csv'}")
    assert store.entries() == []


# Another store


def test_another_store_is_copied_whole_and_its_runs_are_read_only(store, tmp_path):
    theirs = own_run(tmp_path / "theirs", "run1")
    save_checkpoint(theirs.paths, 2)
    own_run(store.root, "run1")
    make_run(tmp_path / "theirs", "run2", state="queued")
    found = import_runs(store, f"store:{tmp_path / 'theirs'}", names={}, fields={})
    ((run, _),) = found.runs
    assert run.name == "store-run1", "a name that is taken gets the source's kind before it"
    assert run.info.name == "store-run1"
    assert found.refused == ["run2 is queued there: import it after it ends"]
    assert run.metric("loss") == theirs.metric("loss")
    assert [one.step for one in run.checkpoints] == [2]
    assert run.recipe == theirs.recipe
    with pytest.raises(StoreError, match="read-only"):
        resume(run)
    again = import_runs(store, f"store:{tmp_path / 'theirs'}", names={}, fields={})
    assert [one.name for one, _ in again.runs] == ["store-run1"], "it is copied once"


def test_a_store_is_not_imported_into_itself(store):
    own_run(store.root, "run1")
    with pytest.raises(RecipeError, match="store to import into"):
        imported(store, f"store:{store.root}")


# What all have in common


def test_imported_runs_list_and_compare_with_ones_own_but_are_crowned_only_where_measured_alike(store, tmp_path):
    mine = own_run(store.root, "run1")
    (tmp_path / "t.csv").write_text("step,loss,knn\n1,1.0,0.9\n")
    (tmp_path / "u.csv").write_text("step,loss,knn\n1,1.0,0.95\n")
    (first,) = imported(store, f"csv:{tmp_path / 't.csv'}")
    (other,) = imported(store, f"csv:{tmp_path / 'u.csv'}")
    rows = {row["name"]: row for row in Catalog(store).rows()}
    assert (rows["t"]["knn"], rows["t"]["temp"], rows["t"]["tags"]) == (0.9, None, "import")
    for pair in ([mine, first], [first, other]):
        found = compare(pair)
        assert not found.repeated, "runs that are not known in full are nobody's repetition"
        assert found.no_difference == "not known in full"
        assert {one.better for one in found.measures} == {None}
        assert any("not known of every run" in words for words in found.verdicts), found.verdicts
    assert store.find("@best").name == "run1"
    with pytest.raises(RecipeError, match="not known in full"):
        plan_clone(first, {})
    known = [f"{name}={value}" for name, value in mine.resolved.known_values().items() if value not in ("", None)]
    (tmp_path / "v.csv").write_text("step,loss,knn\n1,1.0,0.99\n")
    (told,) = imported(store, f"csv:{tmp_path / 'v.csv'}", fields=known)
    assert {row.name: row.better for row in compare([mine, told]).measures}["knn"] == 1, "what the user knows counts"


def test_names_are_made_valid_and_hostile_text_stays_text(store, tmp_path):
    records = wandb_records([{"loss": 1.0, "\x1b[2Jevil": 2.0}], name="../../\x1b]0;x\x07 ☃", exit_code=0)
    (run,) = imported(store, f"wandb:{wandb_file(tmp_path / 'w', log_pieces(records))}")
    assert run.path.parent == store.root
    assert run.name.isascii()
    assert run.name.isprintable()


@pytest.mark.parametrize("source", ["wandb", "wandb:", "parquet:x", "", ":x"])
def test_a_source_of_no_known_kind_is_refused(store, source):
    with pytest.raises(RecipeError, match="cannot import"):
        imported(store, source)


@pytest.mark.parametrize("kind", ["tensorboard", "wandb", "mlflow", "csv", "store"])
def test_a_source_that_is_not_there_or_holds_nothing_is_refused(store, tmp_path, kind):
    (tmp_path / "empty").mkdir()
    for name in ("nowhere", "empty"):
        with pytest.raises(NotFoundError):
            imported(store, f"{kind}:{tmp_path / name}")
    assert store.entries() == []


@pytest.mark.parametrize("given", ["loss", "=loss", "x=nothing", "x=knn_best"])
def test_a_metric_that_is_not_ours_is_refused(given):
    with pytest.raises(RecipeError):
        parse_names([given])


def test_the_command_tells_what_it_took_for_what(tmp_path):
    (tmp_path / "t.csv").write_text("step,train_loss\n1,2.0\n")
    command = [sys.executable, "-m", "simclr_tui", "import", f"csv:{tmp_path / 't.csv'}", "--runs", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == "t: 1 metric; train_loss is taken as loss\n"
    done = subprocess.run([*command, "--metric", "x=loss"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, "it was imported before"
