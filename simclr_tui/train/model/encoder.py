"""The encoder f(·), h = f(view) (§2.1), common to all networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from simclr_tui.errors import DataError
from simclr_tui.text import safe


class Encoder(nn.Module):
    """Encode views (n, channels, T, T) in [0, 1] to h (n, dim).

    `stem` is cifar or imagenet, or own where it is neither. `source_lines` are the Python that builds the same module
    as `encoder` from its library; empty for a native encoder.
    """

    dim: int
    channels: int
    stem: str
    source_lines: tuple[str, ...] = ()

    def forward(self, views: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def stochastic(self) -> bool:
        """Return whether a forward pass in training mode draws random numbers: dropout, stochastic depth."""
        return any(_drops(module) for module in self.modules())

    def check_channels(self, channels: int, data: str) -> None:
        """Raise DataError unless the encoder takes images of so many channels."""
        if channels != self.channels:
            raise DataError(
                f"{safe(data)} has images of {channels} channels, the encoder takes {self.channels}",
                f"read them with --channels {self.channels}, or take other images",
            )

    def weights(self) -> dict[str, Tensor]:
        """Return the state dict under the names of the library that also has this model."""
        return self.state_dict()

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Load what `weights` returned, or the same tensors of elsewhere: names and shapes must be those."""
        own = self.weights()
        with torch.no_grad():
            for name, tensor in weights.items():
                own[name].copy_(tensor)


def _drops(module: nn.Module) -> bool:
    """Return whether the module drops anything, judged by the attributes that torch, torchvision and timm use."""
    kind = type(module).__name__.lower()
    named = ("p", "prob") if "drop" in kind or "stochasticdepth" in kind else ()
    rates = [value for name, value in vars(module).items() if name in named or "drop" in name]
    return any(isinstance(rate, float | int) and rate > 0 for rate in rates)
