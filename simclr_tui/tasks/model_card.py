"""What an exported encoder is, in words and in the lines of Python that load it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.text import safe
from simclr_tui.train.model.library import CIFAR_STEM

_STEMS = {
    "cifar": "3×3 convolution, stride 1, no pooling",
    "imagenet": "7×7 convolution, stride 2, max pooling",
    "own": "the architecture's",
}


@dataclass(frozen=True)
class About:
    """An exported encoder. `file` is its name without the folder; `lines`, where it is not native, build it."""

    file: str
    run: str
    recipe: Recipe
    dim: int
    stem: str
    lines: tuple[str, ...]
    step: int
    recipe_sha256: str
    version: str

    @property
    def suffix(self) -> str:
        return self.file.rpartition(".")[2]

    @property
    def literal(self) -> str:
        """The file's name as Python would have it written."""
        return json.dumps(self.file)

    def metadata(self) -> dict[str, str]:
        """What goes into the file itself."""
        return {
            "method": "SimCLR",
            "made_by": f"simclr-tui {self.version}",
            "run": self.run,
            "architecture": self.recipe.encoder,
            "width": f"{self.recipe.width:g}",
            "stem": self.stem,
            "image_size": str(self.recipe.image_size),
            "value_range": "0 to 1",
            "dim": str(self.dim),
            "step": str(self.step),
            "recipe_sha256": self.recipe_sha256,
        }


def loading_text(about: About) -> str:
    """The Markdown file beside an exported encoder."""
    recipe, side = about.recipe, about.recipe.image_size
    output = "the average pool" if recipe.native_encoder else "what the architecture's classifier would take"
    return f"""# {safe(about.file)}

The encoder f of the SimCLR run `{about.run}`, without its projection head.

| | |
|---|---|
| architecture | {recipe.encoder}, width ×{recipe.width:g} |
| stem | {about.stem}: {_STEMS[about.stem]} |
| input | RGB, float32, (N, 3, {side}, {side}), values in [0, 1], no mean or deviation taken off |
| output | h, float32, (N, {about.dim}): {output} |
| checkpoint | step {about.step:,} |
| recipe | sha256 {about.recipe_sha256} |
| written by | simclr-tui {about.version} |

In the folder of this file:

```python
{_lines(about)}
```
"""


def _lines(about: About) -> str:
    if about.suffix == "onnx":
        return _onnx_lines(about)
    safetensors = about.suffix == "safetensors"
    read = f"load_file({about.literal})" if safetensors else f"torch.load({about.literal}, weights_only=True)"
    build = _built(about) + (["from safetensors.torch import load_file"] if safetensors else [])
    imports = [line for line in build if line.startswith(("import ", "from "))]
    use = [
        f"encoder.load_state_dict({read})",
        "encoder.eval()",
        "",
        _images(about, "torch.rand({shape})"),
        f"h = encoder(images)  # (8, {about.dim})",
    ]
    return "\n".join([*imports, "", *(line for line in build if line not in imports), *use])


def _built(about: About) -> list[str]:
    """The lines that build the encoder, imports among them."""
    if about.lines:
        return list(about.lines)
    return _torchvision_lines(about) if about.recipe.width == 1.0 else _own_lines(about)


def _torchvision_lines(about: About) -> list[str]:
    lines = ["import torch", "import torchvision", f"encoder = torchvision.models.{about.recipe.encoder}()"]
    return [*lines, *(CIFAR_STEM if about.stem == "cifar" else ()), "encoder.fc = torch.nn.Identity()"]


def _own_lines(about: About) -> list[str]:
    """torchvision has no ResNet of another width in all its layers."""
    recipe = about.recipe
    return [
        "import torch",
        "from simclr_tui import Recipe",
        "from simclr_tui.train.model.resnet import build_encoder",
        f'recipe = Recipe(encoder="{recipe.encoder}", width={recipe.width!r}, stem="{about.stem}")',
        "encoder = build_encoder(recipe)",
    ]


def _onnx_lines(about: About) -> str:
    return "\n".join(
        [
            "import numpy",
            "import onnxruntime",
            "",
            f'session = onnxruntime.InferenceSession({about.literal}, providers=["CPUExecutionProvider"])',
            _images(about, "numpy.random.rand({shape}).astype(numpy.float32)"),
            f'h = session.run(["h"], {{"images": images}})[0]  # (8, {about.dim})',
        ]
    )


def _images(about: About, made: str) -> str:
    side = about.recipe.image_size
    return "images = " + made.format(shape=f"8, 3, {side}, {side}") + "  # yours here, in [0, 1]"
