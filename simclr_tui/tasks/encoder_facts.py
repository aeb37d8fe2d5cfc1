"""`python -m simclr_tui.tasks.encoder_facts ENCODER --image-size S`: count an encoder before any run of it."""

from __future__ import annotations

import argparse
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from simclr_tui.recipe.cost import EncoderFacts
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.tasks.reply import send_reply
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.encoder import Encoder


def encoder_facts(recipe: Recipe, channels: int = 3) -> EncoderFacts:
    """Build the recipe's encoder for so many channels and count it. Raises SimclrError as `build_encoder` does."""
    encoder = build_encoder(recipe, channels).eval()
    parameters = sum(parameter.numel() for parameter in encoder.parameters())
    return EncoderFacts(encoder.dim, parameters, _count_macs(encoder, recipe.image_size))


@torch.no_grad()
def _count_macs(encoder: Encoder, side: int) -> int:
    """Count the multiply-adds of one image in convolutions and matrix products, including attention."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter sees no operations in fused attention, here and below
    try:
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            encoder(torch.zeros(1, encoder.channels, side, side))
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // 2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.tasks.encoder_facts", description=__doc__)
    parser.add_argument("encoder")
    parser.add_argument("--image-size", type=int, required=True)
    parser.add_argument("--stem", choices=("auto", "cifar", "imagenet"), default="auto")
    parser.add_argument("--zero-init", action="store_true")
    parser.add_argument("--channels", type=int, default=3)
    given = vars(parser.parse_args(arguments))
    channels = given.pop("channels")
    return send_reply(lambda: encoder_facts(Recipe(**given), channels))


if __name__ == "__main__":
    sys.exit(main())
