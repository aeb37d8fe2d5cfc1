"""The x range that the charts show: zoom, pan and follow, as arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[float, float]

_NARROWEST = 1e-6  # fraction of the extent: any closer, floats and ticks no longer tell points apart


@dataclass(frozen=True)
class Window:
    """Hold a range of x: `width` None is everything; `end` None is the live end, which moves while the run trains."""

    width: float | None = None
    end: float | None = None

    @property
    def whole(self) -> bool:
        return self.width is None

    @property
    def following(self) -> bool:
        return self.end is None

    def span(self, extent: Span) -> Span:
        """Return the x range shown over data in `extent`; a window never leaves it."""
        low, high = extent
        if self.width is None or self.width >= high - low:
            return extent
        end = high if self.end is None else min(max(self.end, low + self.width), high)
        return end - self.width, end

    def zoomed(self, factor: float, about: float | None, extent: Span) -> Window:
        """Return the window narrowed by `factor` (widened below 1).

        `about` keeps its place on screen; without it, the live end does if it is followed, else the middle.
        """
        low, high = self.span(extent)
        width = (high - low) / factor
        if width >= (extent[1] - extent[0]) * (1 - 1e-9):
            return Window()
        width = max(width, (extent[1] - extent[0]) * _NARROWEST)
        if about is None and self.following:
            return Window(width)
        about = (low + high) / 2 if about is None else min(max(about, low), high)
        share = (about - low) / (high - low) if high > low else 0.5
        return Window(width, about + width * (1 - share))._kept_in(extent)

    def panned(self, share: float, extent: Span) -> Window:
        """Return the window moved right by a fraction of its width; one that reaches the live end follows it."""
        if self.width is None:
            return self
        end = self.span(extent)[1] + share * self.width
        return Window(self.width, None if share > 0 and end >= extent[1] else end)._kept_in(extent)

    def showing(self, x: float, extent: Span) -> Window:
        """Return the window moved just far enough to show `x`."""
        low, high = self.span(extent)
        if self.width is None or low <= x <= high:
            return self
        return Window(self.width, x if x > high else x + self.width)._kept_in(extent)

    def held(self, extent: Span) -> Window:
        """Return the window held in place: it no longer moves with the live end."""
        low, high = self.span(extent)
        return Window(high - low, high)

    def _kept_in(self, extent: Span) -> Window:
        """Return the window stopped at the end beyond which it was pushed."""
        return self if self.end is None else Window(self.width, self.span(extent)[1])


WHOLE = Window()
