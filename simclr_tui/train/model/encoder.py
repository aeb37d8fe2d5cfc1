"""The encoder f(·), h = f(view) (§2.1), whatever network it is."""

from __future__ import annotations

from torch import Tensor, nn


class Encoder(nn.Module):
    """Takes views (n, 3, T, T) in [0, 1] and returns h (n, dim).

    `stem` is cifar or imagenet, or own where it is neither; `lines` are the Python that builds the same module,
    under the name `encoder`, with the library that has it alone; empty for a native encoder.
    """

    dim: int
    stem: str
    lines: tuple[str, ...] = ()

    def forward(self, views: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def stochastic(self) -> bool:
        """Whether a forward pass in training mode draws random numbers: dropout, stochastic depth."""
        return any(_drops(module) for module in self.modules())

    def weights(self) -> dict[str, Tensor]:
        """The state under the names of the library that has this model too."""
        return self.state_dict()


def _drops(module: nn.Module) -> bool:
    """Whether a rate of dropping in the module is above 0, by the names that torch, torchvision and timm give it."""
    kind = type(module).__name__.lower()
    named = ("p", "prob") if "drop" in kind or "stochasticdepth" in kind else ()
    rates = [value for name, value in vars(module).items() if name in named or "drop" in name]
    return any(isinstance(rate, float | int) and rate > 0 for rate in rates)
