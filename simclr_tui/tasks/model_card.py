"""The model card of an exported encoder: what it is, and the Python that loads it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from simclr_tui.recipe.recipe import Recipe
from simclr_tui.text import safe
from simclr_tui.train.model.first_layer import cifar_stem_lines

_STEMS = {
    "cifar": "3×3 convolution, stride 1, no pooling",
    "imagenet": "7×7 convolution, stride 2, max pooling",
    "own": "the architecture's",
}


@dataclass(frozen=True)
class ModelCard:
    """Hold what is known of an exported encoder.

    `file` is its name without the folder. `source_lines` are the Python that builds it where it is not native;
    `statistics`, mean and deviation of each channel, are what it expects its images to be normalised by. `values` says
    which of the images' own values are 0 and 1.
    """

    file: str
    run: str
    recipe: Recipe
    channels: int
    dim: int
    stem: str
    source_lines: tuple[str, ...]
    step: int
    recipe_sha256: str
    version: str
    statistics: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    values: str = ""
    in_folder: bool = False
    """Whether load.py and config.json lie beside the file."""

    @property
    def suffix(self) -> str:
        return self.file.rpartition(".")[2]

    @property
    def literal(self) -> str:
        """Return the file's name as a Python literal."""
        return json.dumps(self.file)

    def metadata(self) -> dict[str, str]:
        """Return the metadata stored in the file itself."""
        return {
            "method": "SimCLR",
            "made_by": f"simclr-tui {self.version}",
            "run": self.run,
            "architecture": self.recipe.encoder,
            "width": f"{self.recipe.width:g}",
            "stem": self.stem,
            "channels": str(self.channels),
            "image_size": str(self.recipe.image_size),
            **({} if self.recipe.eval_crop == 1.0 else {"eval_crop": f"{self.recipe.eval_crop:g}"}),
            "value_range": "0 to 1",
            **({} if self.statistics is None else _statistics_entries(*self.statistics)),
            "dim": str(self.dim),
            "step": str(self.step),
            "recipe_sha256": self.recipe_sha256,
        }


def _statistics_entries(mean: tuple[float, ...], deviation: tuple[float, ...]) -> dict[str, str]:
    return {"mean": json.dumps(mean), "std": json.dumps(deviation)}


def to_markdown(card: ModelCard) -> str:
    """Return the Markdown file written beside an exported encoder."""
    recipe = card.recipe
    output = "the average pool" if recipe.native_encoder else "the input of the architecture's classifier"
    return f"""# {safe(card.file)}

The encoder f of the SimCLR run `{card.run}`, without its projection head.

| | |
|---|---|
| architecture | {recipe.encoder}, width ×{recipe.width:g} |
| stem | {card.stem}: {_STEMS[card.stem]} |
| input | {_channels(card)}, float32, {_shape(card, "N")}, values in [0, 1], {_normalisation(card)}{_cropped(card)} |
| output | h, float32, (N, {card.dim}): {output} |
| checkpoint | step {card.step:,} |
| recipe | sha256 {card.recipe_sha256} |
| written by | simclr-tui {card.version} |

In the folder of this file:

```python
{_lines(card)}
```
{_with_torchvision(card)}"""


def _with_torchvision(card: ModelCard) -> str:
    """Return the section on loading a folder's ResNet without its loader, where torchvision has that architecture."""
    if not card.in_folder or not card.recipe.native_encoder or card.recipe.width != 1.0:
        return ""
    return f"\nOr with torchvision alone:\n\n```python\n{_file_lines(card)}\n```\n"


def library_loader(card: ModelCard) -> str:
    """Return the loader of a folder whose encoder a library builds."""
    build = [line for line in _built(card) if line != "import torch"]
    imports = [line for line in build if line.startswith(("import ", "from "))]
    mean, std = card.statistics or (None, None)
    given = [] if mean is None or std is None else [
        "    images_mean, images_std = (torch.tensor(part).view(1, -1, 1, 1) for part in "
        f"({list(mean)!r}, {list(std)!r}))",
        "    encoder.register_forward_pre_hook(lambda _, given: ((given[0] - images_mean) / images_std,))",
    ]  # fmt: skip
    lines = [
        '"""Load the encoder beside this file: `from load import load_encoder`."""',
        "",
        "from pathlib import Path",
        "",
        "import torch",
        *imports,
        "",
        "HERE = Path(__file__).resolve().parent",
        "",
        "",
        "def load_encoder():",
        '    """Return the encoder in eval mode on the CPU: images (N, C, H, W) in [0, 1] become h."""',
        *(f"    {line}" for line in build if line not in imports),
        f"    encoder.load_state_dict(torch.load(HERE / {card.literal}, weights_only=True))",
        *given,
        "    return encoder.eval()",
    ]
    return "\n".join(lines) + "\n"


def _normalisation(card: ModelCard) -> str:
    values = f"; {card.values}" if card.values else ""
    if card.statistics is None:
        return f"not normalised by mean and deviation{values}"
    if card.suffix == "onnx":
        return f"normalised by the model itself{values}"
    mean, deviation = (", ".join(f"{value:.4g}" for value in part) for part in card.statistics)
    return f"then less the mean ({mean}) and divided by the deviation ({deviation}) of each channel{values}"


def _cropped(card: ModelCard) -> str:
    """Return how the run's evaluations cut the input out of an image; empty where that is its central square."""
    side, crop = card.recipe.image_size, card.recipe.eval_crop
    return "" if crop == 1.0 else f"; evaluated on the middle {side} of images resized to {round(side / crop)}"


def _normalising_lines(card: ModelCard) -> list[str]:
    if card.statistics is None:
        return []
    mean, deviation = (f"torch.tensor({list(part)!r}).view(1, -1, 1, 1)" for part in card.statistics)
    return [f"images = (images - {mean}) / {deviation}"]


def _shape(card: ModelCard, images: object) -> str:
    side = card.recipe.image_size
    return f"({images}, {card.channels}, {side}, {side})"


def _channels(card: ModelCard) -> str:
    return "RGB" if card.channels == 3 else "1 channel" if card.channels == 1 else f"{card.channels} channels"


def _lines(card: ModelCard) -> str:
    if card.suffix == "onnx":
        return _onnx_lines(card)
    return _folder_lines(card) if card.in_folder else _file_lines(card)


def _folder_lines(card: ModelCard) -> str:
    """Return the lines that use the loader of a folder."""
    shape = _images(card, "torch.rand({shape})")
    lines = ["import torch", "from load import load_encoder", "", "encoder = load_encoder()", shape]
    return "\n".join([*lines, f"h = encoder(images)  # (8, {card.dim})"])


def _file_lines(card: ModelCard) -> str:
    safetensors = card.suffix == "safetensors"
    read = f"load_file({card.literal})" if safetensors else f"torch.load({card.literal}, weights_only=True)"
    build = _built(card) + (["from safetensors.torch import load_file"] if safetensors else [])
    imports = [line for line in build if line.startswith(("import ", "from "))]
    use = [
        f"encoder.load_state_dict({read})",
        "encoder.eval()",
        "",
        _images(card, "torch.rand({shape})"),
        *_normalising_lines(card),
        f"h = encoder(images)  # (8, {card.dim})",
    ]
    return "\n".join([*imports, "", *(line for line in build if line not in imports), *use])


def _built(card: ModelCard) -> list[str]:
    """Return the lines of Python that build the encoder, including imports."""
    if card.source_lines:
        return list(card.source_lines)
    return _torchvision_lines(card) if card.recipe.width == 1.0 else _own_lines(card)


def _torchvision_lines(card: ModelCard) -> list[str]:
    lines = ["import torch", "import torchvision", f"encoder = torchvision.models.{card.recipe.encoder}()"]
    if card.stem == "cifar":
        lines += cifar_stem_lines(card.channels)
    elif card.channels != 3:
        lines.append(f"encoder.conv1 = torch.nn.Conv2d({card.channels}, 64, 7, stride=2, padding=3, bias=False)")
    return [*lines, "encoder.fc = torch.nn.Identity()"]


def _own_lines(card: ModelCard) -> list[str]:
    """Return the lines for a width that torchvision does not have."""
    recipe = card.recipe
    return [
        "import torch",
        "from simclr_tui import Recipe",
        "from simclr_tui.train.model.build import build_encoder",
        f'recipe = Recipe(encoder="{recipe.encoder}", width={recipe.width!r}, stem="{card.stem}")',
        f"encoder = build_encoder(recipe, channels={card.channels})",
    ]


def _onnx_lines(card: ModelCard) -> str:
    return "\n".join(
        [
            "import numpy",
            "import onnxruntime",
            "",
            f'session = onnxruntime.InferenceSession({card.literal}, providers=["CPUExecutionProvider"])',
            _images(card, "numpy.random.rand({shape}).astype(numpy.float32)"),
            f'h = session.run(["h"], {{"images": images}})[0]  # (8, {card.dim})',
        ]
    )


def _images(card: ModelCard, made: str) -> str:
    return "images = " + made.format(shape=_shape(card, 8)[1:-1]) + "  # replace by your images in [0, 1]"
