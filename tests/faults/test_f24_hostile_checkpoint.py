"""F24: a checkpoint from a stranger can hold numbers, never code: `weights_only=True`, and no way round it."""

from __future__ import annotations

import ast
import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

import simclr_tui
from simclr_tui.api import load_encoder
from simclr_tui.errors import CheckpointError
from simclr_tui.store import checkpoints
from simclr_tui.train.persist.checkpoint import load_newest, load_step
from tests.run_factory import make_run


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self):
        return (self.witness.write_text, ("executed",))


def bare(witness: Path) -> bytes:
    return pickle.dumps(Payload(witness))


def saved_by_torch(witness: Path) -> bytes:
    buffer = io.BytesIO()
    state = {"encoder": {"w": torch.zeros(3)}, "head": {}, "optimizer": {"state": Payload(witness)}, "step": 6}
    torch.save(state, buffer)
    return buffer.getvalue()


def saved_by_old_torch(witness: Path) -> bytes:
    buffer = io.BytesIO()
    torch.save(
        {"encoder": Payload(witness), "head": {}, "optimizer": {}, "step": 6},
        buffer,
        _use_new_zipfile_serialization=False,
    )
    return buffer.getvalue()


def swapped_in_the_archive(witness: Path) -> bytes:
    honest, forged = io.BytesIO(), io.BytesIO()
    torch.save({"encoder": {}, "head": {}, "optimizer": {}, "step": 6}, honest)
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(forged, "w") as target:
        for entry in source.namelist():
            target.writestr(entry, bare(witness) if entry.endswith("data.pkl") else source.read(entry))
    return forged.getvalue()


def builtin_call(witness: Path) -> bytes:
    """`open(witness, "w")` through protocol 0, by hand: what reads as text and needs no class."""
    return b"cbuiltins\nopen\n(V" + str(witness).encode() + b"\nVw\ntR."


PAYLOADS = (bare, saved_by_torch, saved_by_old_torch, swapped_in_the_archive, builtin_call)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_it_is_passed_over_and_never_executed(tmp_path, payload, fault):
    fault("F24", 1, "hostile checkpoints, each read in three ways")
    witness = tmp_path / "executed"
    data = payload(witness)
    run = make_run(tmp_path / "runs")
    checkpoints.save(run.paths, data, step=6, epoch=1.0, recipe="", wall=0.0, version="0")
    for read in (lambda: load_newest(run.paths), lambda: load_step(run.paths, 6), lambda: load_encoder(run)):
        with pytest.raises(CheckpointError):
            read()
    good = io.BytesIO()
    torch.save({"encoder": {}, "head": {}, "optimizer": {}, "step": 3}, good)
    checkpoints.save(run.paths, good.getvalue(), step=3, epoch=0.5, recipe="", wall=0.0, version="0")
    state, damages = load_newest(run.paths)
    assert state["step"] == 3
    assert len(damages) == 1
    assert not witness.exists()


def test_the_payloads_would_work_where_they_are_let():
    """Otherwise this file would prove nothing."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for payload in PAYLOADS:
            witness = Path(folder) / payload.__name__
            data = payload(witness)
            try:
                torch.load(io.BytesIO(data), weights_only=False)
            except Exception:
                pickle.loads(data)
            assert witness.exists(), payload.__name__


def test_no_load_in_the_package_lacks_weights_only():
    for path in Path(simclr_tui.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("torch.load", "np.load", "numpy.load"):
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                safe = given.get("weights_only") == "True" or given.get("allow_pickle", "False") == "False"
                if ast.unparse(node.func) == "torch.load":
                    # The one other way resolves the names that tensors are made of, and no others.
                    safe = given.get("weights_only") == "True" or given.get("pickle_module") == "_INERT_PICKLE"
                assert safe, f"{path}:{node.lineno}"
