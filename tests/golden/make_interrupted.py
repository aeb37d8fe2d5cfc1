"""Make the interrupted runs that later versions must finish: `python -m tests.golden.make_interrupted FOLDER`.

Run it once for each release, with that release's own code and before the next one changes a default. Each run is
trained twice: once to its end, which gives what is expected, and once until it is stopped in the middle, which gives
the run folder. Nothing here knows more of the package than its command line and the files that it writes.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

HERE = Path(__file__).parent
IMAGES = HERE / "images"
_TINY: dict[str, Any] = {
    "bs": 16, "width": 0.01, "head-dim": 8, "knn-every": 1, "knn-k": 5, "checkpoint-every": 2, "warmup": 0.5,
    "precision": "fp32", "threads": 1, "device": "cpu",
}  # fmt: skip
RUNS: dict[str, dict[str, Any]] = {
    "shapes": {**_TINY, "data": "shapes", "subset": 96, "image-size": 16, "epochs": 7},
    # Every augmentation, views that grow, images larger than a view and not square, and test images held out.
    "folder": {
        **_TINY, "data": f"folder:{IMAGES}", "image-size": 12, "grow-from": 8, "epochs": 14, "optimizer": "lars",
        "lr": 0.5, "blur": 0.5, "cutout": 0.3, "rotate": 0.3, "sobel": 0.2, "noise": 0.3, "head": "mlp3",
    },
}  # fmt: skip
_TIMES = {"time", "images_per_s", "data_wait"}  # depend on the machine's speed, not on what was computed


def make_images(folder: Path) -> None:
    """Write three classes of 24 small PNG images, 14 by 18 pixels: gradients and stripes drawn from one seed."""
    draw = np.random.default_rng(2002_05709)
    rows, columns = np.mgrid[0:14, 0:18]
    for label, (along, across) in {"flat": (0.0, 1.0), "slanted": (0.7, 0.7), "upright": (1.0, 0.0)}.items():
        (folder / label).mkdir(parents=True)
        for number in range(24):
            phase, period = draw.uniform(0, 6.28), draw.uniform(4, 9)
            wave = 0.5 + 0.5 * np.sin(6.28 * (along * columns + across * rows) / period + phase)
            low, high = draw.integers(0, 100, 3), draw.integers(150, 256, 3)
            pixels = (low + wave[..., None] * (high - low)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number:02d}.png", optimize=True)


def metrics(run: Path) -> dict[str, list[list[float]]]:
    """Read every metric that is a function of the recipe alone: name to [step, value] pairs, attempts joined."""
    points: dict[str, dict[int, float]] = {}
    for file in sorted(run.glob("attempt-*/metrics.jsonl")):
        for line in file.read_text().splitlines():
            row = json.loads(line)
            for name, value in row.items():
                if name not in _TIMES | {"step", "epoch"}:
                    points.setdefault(name, {})[row["step"]] = value
    return {name: [[step, value] for step, value in sorted(pairs.items())] for name, pairs in sorted(points.items())}


def tensors(run: Path) -> dict[str, list[str | float]]:
    """Describe each tensor of the newest checkpoint: its bytes' SHA-256 (cut short) and its norm."""
    state = torch.load(max(run.glob("checkpoints/step-*.pt")), weights_only=True)
    return {name: _described(value) for name, value in sorted(_flat("", state)) if isinstance(value, torch.Tensor)}


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [item for key, inner in value.items() for item in _flat(f"{prefix}.{key}", inner)]
    if isinstance(value, list):
        return [item for index, inner in enumerate(value) for item in _flat(f"{prefix}.{index}", inner)]
    return [(prefix.removeprefix("."), value)]


def _described(tensor: torch.Tensor) -> list[str | float]:
    values = tensor.detach().contiguous()
    digest = hashlib.sha256(values.numpy().tobytes()).hexdigest()[:12]
    return [digest, float(f"{values.double().norm().item():.7g}")]


def machine() -> dict[str, str]:
    """Describe what decides the last bits of a sum: the processor, the kernels that torch chooses, its version."""
    return {
        "torch": torch.__version__,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "processor": _processor(),
    }


def _processor() -> str:
    """Return family and model, by which libraries choose kernels beyond those that an instruction set names."""
    known = dict(line.split("\t: ") for line in Path("/proc/cpuinfo").read_text().splitlines() if "\t: " in line)
    words = ("vendor_id", "cpu family", "model")
    return " ".join(value for key, value in known.items() if key.strip() in words)


def main(target: Path) -> None:
    """Write each run's folder and what it is expected to become."""
    if not IMAGES.exists():
        make_images(IMAGES)
    for name, flags in RUNS.items():
        _simclr(target / "whole", name, flags)
        _simclr(target / "interrupted", name, flags, "-d")
        _stop_in_the_middle(target / "interrupted" / name)
        expected = {
            "made_on": machine(),
            "metrics": metrics(target / "whole" / name),
            "tensors": tensors(target / "whole" / name),
        }
        (target / "interrupted" / f"{name}.json").write_text(_compact(expected))
        _strip(target / "interrupted" / name)
    shutil.rmtree(target / "whole")
    (target / "interrupted" / ".claim.lock").unlink()


def _simclr(runs: Path, name: str, flags: dict[str, Any], *more: str) -> None:
    words = [word for flag, value in flags.items() for word in (f"--{flag}", str(value))]
    call = "import sys; from simclr_tui.cli.main import main; sys.exit(main())"
    subprocess.run(
        [sys.executable, "-c", call, "run", "--preset", "quick", "--runs", str(runs), "--name", name, *more, *words],
        check=True, env=os.environ | {"SIMCLR_OFFLINE": "1"}, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _stop_in_the_middle(run: Path) -> None:
    log = run / "attempt-0001" / "metrics.jsonl"
    while not log.exists() or log.read_text().count("\n") < 20:
        time.sleep(0.001)
    os.kill(json.loads((run / "state.json").read_text())["process"]["pid"], signal.SIGTERM)
    while json.loads((run / "state.json").read_text())["state"] != "stopped":
        time.sleep(0.01)


def _strip(run: Path) -> None:
    """Leave out what no resumed run reads: the older checkpoint, samples of this machine and its name."""
    for file in sorted(run.glob("checkpoints/step-*"))[:-2]:
        file.unlink()
    for file in (*run.glob("attempt-*/hardware.jsonl"), *run.glob("*.lock")):
        file.unlink()
    info = json.loads((run / "run.json").read_text())
    info |= {"host": "elsewhere", "command": ["simclr", "run"], "git_commit": ""}
    (run / "run.json").write_text(json.dumps(info, indent=2))
    for name in ("recipe.toml", "state.json"):
        (run / name).write_text((run / name).read_text().replace(str(IMAGES), "IMAGES"))
    for file in run.glob("checkpoints/*.pt"):
        file.with_name(f"{file.name}.xz").write_bytes(lzma.compress(file.read_bytes()))
        file.unlink()


def _compact(expected: dict[str, Any]) -> str:
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in expected.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
