"""The Recipe: every hyperparameter of a run, declared once.

A field's annotation holds its bounds, its flag, one sentence of help, its group and the section of the paper
(arXiv 2002.05709) that discusses it. The command line, the dashboard's form, `show`, `compare`, the TOML keys and the
documentation are all made from these declarations (see `fields.py`).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import msgspec

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.datasets import KNOWN
from simclr_tui.recipe.reading import CHANNELS_PATTERN, RANGE_PATTERN, TILE_PATTERN, Reading
from simclr_tui.text import did_you_mean

OPERATIONS = (
    "crop", "flip", "vflip", "color", "intensity", "gamma", "gray", "channel_drop", "blur", "cutout", "rotate", "sobel",
    "solarize", "noise", "poisson",
)  # fmt: skip
"""Augmentations by name, in the order in which `--augment auto` applies them."""
NATIVE_ENCODERS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
"""Encoders implemented here, at any width; all others come from torchvision or timm."""


def _about(
    flag: str, help: str, group: str, paper: str = "", *, hidden: bool = False, result: bool = True, **bounds: Any
) -> msgspec.Meta:  # fmt: skip
    """Describe a field.

    A `hidden` field records how runs of an older format continue (see `formats.py`). A field without `result` changes
    where, how often or how fast something happens, but not what is learnt: two runs that differ only in it are equal.
    """
    extra = {"flag": flag, "group": group, "paper": paper, "hidden": hidden, "result": result}
    return msgspec.Meta(description=help, extra=extra, **bounds)


Probability = {"ge": 0.0, "le": 1.0}


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Declare what to train. Recipes are immutable; equal recipes and equal code give equal runs.

    A single value out of bounds is refused by msgspec, a contradiction between fields by `check`.
    """

    data: Annotated[
        str,
        _about(
            "--data",
            f"Images: auto, {', '.join(KNOWN)}, folder:PATH, or any form in simclr data --help.",
            "data",
            min_length=1,
        ),
    ] = "auto"
    subset: Annotated[
        int, _about("--subset", "Train on N images, drawn class by class (0: all).", "data", ge=0, le=10**9)
    ] = 0
    labels: Annotated[
        Literal["auto", "none", "folder"],
        _about(
            "--labels", "auto: two or more folders, or a label column, are classes; folder: every folder; none.", "data"
        ),
    ] = "auto"
    range: Annotated[
        str,
        _about(
            "--range",
            "Values mapped to black and white: auto (measured; 8 bits unchanged), LO:HI, pLO:pHI or image.",
            "data",
            pattern=RANGE_PATTERN,
        ),
    ] = "auto"
    channels: Annotated[
        str,
        _about(
            "--channels",
            "Channels to train on: auto (all), N (the first N) or a list such as 1,2,5.",
            "data",
            pattern=CHANNELS_PATTERN,
        ),
    ] = "auto"
    tile: Annotated[
        str,
        _about("--tile", "Cut images into squares of N pixels: off or N[:STRIDE].", "data", pattern=TILE_PATTERN),
    ] = "off"
    split: Annotated[
        Literal["name", "0.1"],
        _about("--split", "How splits are found and images held out: by name, or as in 0.1.", "data", hidden=True),
    ] = "name"
    image_size: Annotated[
        int,
        _about(
            "--image-size", "Side of views and encoded images in pixels.", "data", "§B.9: 32; §2.2: 224", ge=8, le=1024
        ),
    ] = 32
    grow_from: Annotated[
        int,
        _about(
            "--grow-from",
            "Side of the first views, which grow during training (0: no growth).",
            "data",
            ge=0,
            le=1024,
        ),
    ] = 0
    grow_to: Annotated[
        int, _about("--grow-to", "Side to which views grow (0: --image-size).", "data", ge=0, le=1024)
    ] = 0

    augment: Annotated[
        str,
        _about(
            "--augment",
            f"auto, or names in order (crop,color): {', '.join(OPERATIONS)}.",
            "views",
            "§3.1",
            min_length=1,
        ),
    ] = "auto"
    both_views: Annotated[
        bool,
        _about(
            "--both-views/--no-both-views",
            "Augment both views, or only the first; the second is then at most cropped.",
            "views",
            "§3.1",
        ),
    ] = True
    base_crop: Annotated[
        bool,
        _about(
            "--base-crop/--no-base-crop",
            "With --no-both-views, crop both views alike first; the second is left at that.",
            "views",
            "§3.1",
        ),
    ] = True
    crop_from: Annotated[
        Literal["whole", "square"],
        _about("--crop-from", "Crops are taken from the whole image, or from its central square.", "views", "§A"),
    ] = "whole"
    crop_min: Annotated[
        float, _about("--crop-min", "Smallest crop, as a fraction of the image's area.", "views", "§A", gt=0.0, le=1.0)
    ] = 0.08
    flip: Annotated[float, _about("--flip", "Probability of a horizontal flip.", "views", "§A", **Probability)] = 0.5
    color_prob: Annotated[
        float, _about("--color-prob", "Probability of colour distortion.", "views", "§A", **Probability)
    ] = 0.8
    color_strength: Annotated[
        float,
        _about("--color", "Colour strength s, which scales the next four.", "views", "§3.2, §B.9: 0.5", ge=0.0, le=4.0),
    ] = 0.5
    brightness: Annotated[
        float, _about("--brightness", "Brightness jitter at s = 1.", "views", "§A", ge=0.0, le=4.0)
    ] = 0.8
    contrast: Annotated[float, _about("--contrast", "Contrast jitter at s = 1.", "views", "§A", ge=0.0, le=4.0)] = 0.8
    saturation: Annotated[
        float, _about("--saturation", "Saturation jitter at s = 1.", "views", "§A", ge=0.0, le=4.0)
    ] = 0.8
    hue: Annotated[
        float, _about("--hue", "Hue jitter at s = 1, in turns of the colour wheel.", "views", "§A", ge=0.0, le=0.5)
    ] = 0.2
    gray: Annotated[float, _about("--gray", "Probability of grayscale.", "views", "§A", **Probability)] = 0.2
    blur: Annotated[
        float,
        _about("--blur", "Probability of Gaussian blur (none on CIFAR).", "views", "§A, §B.9", **Probability),
    ] = 0.0
    cutout: Annotated[
        float, _about("--cutout", "Probability of blanking a square of half the side.", "views", "§3.1", **Probability)
    ] = 0.0
    rotate: Annotated[
        float, _about("--rotate", "Probability of a rotation by 90°, 180° or 270°.", "views", "§3.1", **Probability)
    ] = 0.0
    sobel: Annotated[float, _about("--sobel", "Probability of Sobel filtering.", "views", "§3.1", **Probability)] = 0.0
    noise: Annotated[float, _about("--noise", "Probability of Gaussian noise.", "views", "§3.1", **Probability)] = 0.0
    vflip: Annotated[
        float, _about("--vflip", "Probability of a vertical flip, for images without an up.", "views", **Probability)
    ] = 0.0
    intensity: Annotated[
        float,
        _about(
            "--intensity",
            "Probability of brightness and contrast jitter of each channel; replaces colour without RGB.",
            "views",
            **Probability,
        ),
    ] = 0.0
    gamma: Annotated[float, _about("--gamma", "Probability of a gamma change.", "views", **Probability)] = 0.0
    channel_drop: Annotated[
        float, _about("--channel-drop", "Probability of setting one channel to zero.", "views", **Probability)
    ] = 0.0
    solarize: Annotated[
        float, _about("--solarize", "Probability of inverting values of one half or more.", "views", **Probability)
    ] = 0.0
    poisson: Annotated[
        float, _about("--poisson", "Probability of shot noise, which grows with the signal.", "views", **Probability)
    ] = 0.0

    encoder: Annotated[
        str,
        _about(
            "--encoder",
            "Encoder f: resnet18, 34, 50, 101 or 152, any torchvision model by name, or timm:NAME.",
            "model",
            "§2.1, §B.9",
            pattern=r"^(timm:)?[a-z][a-z0-9_.]*\Z",
        ),
    ] = "resnet18"
    width: Annotated[float, _about("--width", "Width multiplier of the encoder.", "model", "§4.1", gt=0.0, le=8.0)] = (
        1.0
    )
    stem: Annotated[
        Literal["auto", "cifar", "imagenet"],
        _about("--stem", "First layer: cifar is 3×3, stride 1, no pooling; auto uses it up to 64 px.", "model", "§B.9"),
    ] = "auto"
    zero_init: Annotated[
        bool, _about("--zero-init/--no-zero-init", "Start each block's last batch-norm scale at zero.", "model")
    ] = False
    normalize: Annotated[
        Literal["none", "data", "imagenet"],
        _about(
            "--normalize",
            "Normalise views by each channel's mean and deviation: none, those of the data, or ImageNet's.",
            "model",
        ),
    ] = "none"
    init: Annotated[
        str,
        _about(
            "--init",
            "Start from the encoder of a RUN, a FILE, torchvision:NAME or timm:NAME.",
            "model",
            pattern=r"^[^\x00-\x1f\x7f]*\Z",
        ),
    ] = ""
    head: Annotated[
        Literal["none", "linear", "mlp", "mlp3"],
        _about("--head", "Projection head g: none, linear, or an MLP of two (mlp) or three layers.", "model", "§4.2"),
    ] = "mlp"
    head_hidden: Annotated[
        int,
        _about("--head-hidden", "Hidden width of the projection head (0: that of h).", "model", "§2.1", ge=0, le=65536),
    ] = 0
    head_dim: Annotated[int, _about("--head-dim", "Dimension of z.", "model", "§2.1: 128", ge=2, le=16384)] = 128
    head_bn: Annotated[
        bool, _about("--head-bn/--no-head-bn", "Batch norm in the projection head.", "model", "as published")
    ] = True

    objective: Annotated[
        Literal["nt-xent", "nt-logistic", "margin", "dcl"],
        _about("--objective", "The loss; dcl is NT-Xent without the positive in its denominator.", "objective", "§5.1"),
    ] = "nt-xent"
    temperature: Annotated[
        float, _about("--temp", "Temperature τ of the loss.", "objective", "§5.1, §B.9: 0.5", gt=0.0, le=1000.0)
    ] = 0.5
    l2: Annotated[
        bool, _about("--l2/--no-l2", "Compare views by cosine, or by the dot product of z.", "objective", "§5.1")
    ] = True
    margin: Annotated[float, _about("--margin", "Margin of the margin loss.", "objective", "§5.1", ge=0.0, le=1e6)] = (
        0.5
    )
    semi_hard: Annotated[
        bool,
        _about(
            "--semi-hard/--no-semi-hard",
            "Use the hardest negative that is farther than the positive (margin, nt-logistic).",
            "objective",
            "§5.1",
        ),
    ] = False
    negatives: Annotated[
        Literal["both", "one"],
        _about(
            "--negatives",
            "Negatives of an anchor: both views of the other images, or only the view that the anchor is not.",
            "objective",
            "§B.10",
        ),
    ] = "both"

    batch_size: Annotated[
        int,
        _about(
            "--bs",
            "Images N per step; each gives two views with 2(N−1) negatives.",
            "optimisation",
            "§5.2",
            ge=2,
            le=2**20,
        ),
    ] = 256
    epochs: Annotated[
        int, _about("--epochs", "Passes over the images.", "optimisation", "§5.2", ge=1, le=1_000_000)
    ] = 100
    optimizer: Annotated[
        Literal["lars", "sgd", "adam", "adamw"], _about("--optimizer", "Optimiser.", "optimisation", "§2.2: LARS")
    ] = "sgd"
    lr: Annotated[
        float, _about("--lr", "Base learning rate, before --lr-scaling.", "optimisation", "§2.2", gt=0.0, le=1e6)
    ] = 0.03
    lr_scaling: Annotated[
        Literal["none", "linear", "sqrt"],
        _about("--lr-scaling", "linear: lr·bs/256; sqrt: lr·√bs; none: lr as given.", "optimisation", "§B.1"),
    ] = "linear"
    momentum: Annotated[
        float, _about("--momentum", "Momentum of SGD and LARS.", "optimisation", "§2.2: 0.9", ge=0.0, lt=1.0)
    ] = 0.9
    weight_decay: Annotated[float, _about("--wd", "Weight decay.", "optimisation", "§2.2: 1e-6", ge=0.0, le=10.0)] = (
        1e-6
    )
    decay_on: Annotated[
        Literal["auto", "all", "weights"],
        _about(
            "--decay-on",
            "What decays: all; weights, but not batch norm and biases; auto: weights for LARS, else all.",
            "optimisation",
            "§2.2",
        ),
    ] = "auto"
    warmup: Annotated[
        float,
        _about("--warmup", "Epochs of linear warm-up before the cosine.", "optimisation", "§2.2: 10", ge=0.0, le=1e6),
    ] = 0.0
    clip: Annotated[
        float,
        _about("--clip", "Clip the gradient's norm to this (0: never).", "optimisation", ge=0.0, le=1e6),
    ] = 0.0
    micro_batch: Annotated[
        str,
        _about(
            "--micro-batch",
            "Images in memory at once: off, auto or N. Batch norm sees only these, the loss the whole batch.",
            "optimisation",
            "§5.2",
            pattern=r"^(off|auto|[1-9][0-9]{0,6})\Z",
        ),
    ] = "off"

    knn_every: Annotated[
        int,
        _about(
            "--knn-every",
            "Epochs between evaluations of h: kNN and health (0: none).",
            "running",
            result=False,
            ge=0,
            le=1_000_000,
        ),
    ] = 10
    knn_k: Annotated[
        int, _about("--knn-k", "Number of neighbours that vote.", "running", "Wu et al. 2018", ge=1, le=1_000_000)
    ] = 200
    knn_weights: Annotated[
        Literal["similarity", "equal"],
        _about(
            "--knn-weights",
            "Weight of a neighbour's vote: by similarity, exp(cosine/0.1), or equal.",
            "running",
            "Wu et al. 2018",
        ),
    ] = "similarity"
    knn_on: Annotated[
        Literal["validation", "test"],
        _about(
            "--knn-on",
            "Images for kNN during training: validation (the data's own, else a tenth that never votes), or test.",
            "running",
            "§B.8",
        ),
    ] = "validation"
    probe: Annotated[
        bool,
        _about(
            "--probe/--no-probe",
            "Also fit a linear classifier to h at each evaluation, by ridge regression, and measure it beside kNN.",
            "running",
            "§B.6",
            result=False,
        ),
    ] = False
    eval_crop: Annotated[
        float,
        _about(
            "--eval-crop",
            "Side of the central square that kNN, probes and embeddings see, as a share of the shorter side.",
            "running",
            "§B.6: 224/256 = 0.875",
            ge=0.5,
            le=1.0,
        ),
    ] = 1.0
    checkpoint_every: Annotated[
        int, _about("--checkpoint-every", "Epochs between checkpoints.", "running", result=False, ge=1, le=1_000_000)
    ] = 10
    keep_best: Annotated[
        bool,
        _about(
            "--keep-best/--no-keep-best",
            "Also save and keep the checkpoint with the best kNN on validation images.",
            "running",
            "§B.8",
            result=False,
        ),
    ] = True
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"],
        _about("--precision", "auto uses bf16 autocast if the hardware multiplies in bf16.", "running"),
    ] = "auto"
    compile: Annotated[
        bool,
        _about(
            "--compile/--no-compile",
            "Fuse the network's operations (torch.compile): half a minute to start, a faster step on a GPU.",
            "running",
            result=False,
        ),
    ] = False
    capture: Annotated[
        bool,
        _about(
            "--capture/--no-capture",
            "Replay a step as one recorded CUDA graph (NVIDIA GPUs): the host launches it whole.",
            "running",
            result=False,
        ),
    ] = False
    device: Annotated[
        str,
        _about(
            "--device",
            "auto, cpu, cuda, cuda:N or mps (Apple's GPU).",
            "running",
            result=False,
            pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)\Z",
        ),
    ] = "auto"
    gpus: Annotated[
        str,
        _about(
            "--gpus",
            "Processes that share each batch, one per GPU: N or all (on a CPU: N processes).",
            "running",
            "§2.2",
            result=False,
            pattern=r"^(all|[1-9][0-9]{0,3})\Z",
        ),
    ] = "1"
    threads: Annotated[
        int,
        _about(
            "--threads",
            "CPU threads of the trainer (0: all cores; give concurrent runs fewer each).",
            "running",
            result=False,
            ge=0,
            le=1024,
        ),
    ] = 0
    seed: Annotated[int, _about("--seed", "Seed of every random draw.", "running", ge=0, le=2**32 - 1)] = 0

    def check(self) -> Recipe:
        """Return self. Raises RecipeError if fields that are each valid contradict one another."""
        if self.warmup > self.epochs:
            raise RecipeError(
                f"a warm-up of {self.warmup:g} epochs does not fit into {self.epochs}",
                f"give --warmup {self.epochs / 10:g} or less, or more --epochs",
            )
        if self.optimizer in ("adam", "adamw") and self.lr_scaling != "none" and self.peak_lr > 0.1:
            raise RecipeError(
                f"{self.optimizer} at a learning rate of {self.peak_lr:g} cannot train",
                "give --lr 3e-4 --lr-scaling none",
            )
        if self.semi_hard and self.objective not in ("margin", "nt-logistic"):
            raise RecipeError(
                f"--semi-hard picks one negative, but {self.objective} weights all of them",
                "give --objective margin or --objective nt-logistic with it",
            )
        if self.width != 1.0 and not self.native_encoder:
            raise RecipeError(f"--width scales {', '.join(NATIVE_ENCODERS)}, not {self.encoder}", "give --width 1")
        self.reading.check()
        self._check_growth()
        self._check_augmentations()
        self._check_processes()
        return self

    def _check_growth(self) -> None:
        if not self.grow_from:
            if self.grow_to:
                raise RecipeError(
                    "--grow-to says where views stop growing, and they do not grow",
                    "give --grow-from too, or --grow-to 0",
                )
            return
        if not self.native_encoder:
            raise RecipeError(
                f"--grow-from needs an encoder that accepts views of any side, which {self.encoder} may not",
                f"give --grow-from 0, or one of {', '.join(NATIVE_ENCODERS)}",
            )
        if self.grow_to > self.image_size:
            raise RecipeError(
                f"views cannot grow to {self.grow_to} pixels, as images have {self.image_size}",
                f"give --grow-to at most {self.image_size}, or a larger --image-size",
            )
        if not 8 <= self.grow_from <= self.grown_side:
            raise RecipeError(
                f"views cannot grow from {self.grow_from} to {self.grown_side} pixels",
                f"give --grow-from between 8 and {self.grown_side}, or 0",
            )

    def _check_augmentations(self) -> None:
        if self.augment == "auto":
            return
        for name in self.operations:
            if name not in OPERATIONS:
                hint = did_you_mean(name, OPERATIONS) or f"there are {', '.join(OPERATIONS)}"
                raise RecipeError(f"--augment has no operation {name!r}", hint)
            if self.operations.count(name) > 1:
                raise RecipeError(f"--augment names {name} twice", "name each operation once")
            if self.probability(name) == 0.0:
                flag = "--color-prob" if name == "color" else f"--{name.replace('_', '-')}"
                raise RecipeError(f"--augment names {name}, but {flag} is 0", f"give {flag} 0.5")

    def _check_processes(self) -> None:
        if self.gpus != "1" and self.device.startswith("cuda:"):
            raise RecipeError(
                f"--gpus {self.gpus} and --device {self.device} contradict each other", "give one of them"
            )
        alone = [name for name in ("compile", "capture") if getattr(self, name)]
        if self.gpus != "1" and alone:
            words = " and ".join(f"--{name}" for name in alone)
            raise RecipeError(
                f"{words} cannot go with --gpus {self.gpus}: what processes exchange is neither compiled nor captured",
                f"give {' '.join(f'--no-{name}' for name in alone)}, or --gpus 1",
            )
        if self.gpus.isdigit() and self.batch_size % int(self.gpus):
            raise RecipeError(
                f"a batch of {self.batch_size} cannot be divided evenly among {self.gpus} processes",
                f"give --bs {self.batch_size // int(self.gpus) * int(self.gpus) or int(self.gpus) * 2}",
            )

    @property
    def reading(self) -> Reading:
        """Return the fields that decide how the images' values, labels and splits are read."""
        whole = self.crop_from == "whole" and (self.operations[:1] == ("crop",) or self.crops_base)
        crop_from = "whole" if whole else "square"
        return Reading(self.range, self.channels, self.labels, self.tile, self.split, crop_from=crop_from)

    @property
    def grown_side(self) -> int:
        """Return the side in pixels of views that have stopped growing."""
        return self.grow_to or self.image_size

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the augmentations in the order in which views pass them, each applied with its `probability`."""
        if self.augment != "auto":
            return tuple(name.strip() for name in self.augment.split(","))
        return tuple(name for name in OPERATIONS if self.probability(name) > 0.0)

    @property
    def crops_base(self) -> bool:
        """Return whether both views begin with the same crop, of which the second view is the identity (§3.1)."""
        return self.base_crop and not self.both_views

    def probability(self, operation: str) -> float:
        """Return the probability with which an operation is applied to a view; the crop always is."""
        fields = {"crop": 1.0, "color": self.color_prob}
        return float(fields[operation] if operation in fields else getattr(self, operation))

    @property
    def native_encoder(self) -> bool:
        """Return whether the encoder is implemented here."""
        return self.encoder in NATIVE_ENCODERS

    @property
    def keeps_best(self) -> bool:
        """Return whether the best checkpoint is kept; test images never choose it."""
        return self.keep_best and self.knn_on == "validation" and self.knn_every > 0

    @property
    def peak_lr(self) -> float:
        """Return the learning rate at the end of warm-up (§B.1)."""
        scale = {"none": 1.0, "linear": self.batch_size / 256, "sqrt": math.sqrt(self.batch_size)}
        return self.lr * scale[self.lr_scaling]

    @property
    def candidates(self) -> int:
        """Return among how many views of a batch an anchor's partner is to be found."""
        return self.batch_size if self.negatives == "one" else 2 * self.batch_size - 1

    @property
    def cifar_stem(self) -> bool:
        """Return whether the encoder starts with the 3×3, stride 1 stem (§B.9)."""
        return self.stem == "cifar" or (self.stem == "auto" and self.image_size <= 64)

    def steps_per_epoch(self, images: int) -> int:
        """Return the number of whole batches in a pass over `images`.

        The remainder is dropped, and is a different one each epoch.
        """
        return images // self.batch_size
