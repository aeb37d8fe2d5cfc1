"""Which stretch of x the charts show: zoom, pan and follow, as arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[float, float]

_NARROWEST = 1e-6  # of the extent: closer than this, floats and ticks no longer tell points apart


@dataclass(frozen=True)
class Window:
    """`width` None is everything; `end` None is the live end, which moves as the run goes on."""

    width: float | None = None
    end: float | None = None

    @property
    def whole(self) -> bool:
        return self.width is None

    @property
    def following(self) -> bool:
        return self.end is None

    def span(self, extent: Span) -> Span:
        """The stretch shown when there is data in `extent`; a window never leaves it."""
        low, high = extent
        if self.width is None or self.width >= high - low:
            return extent
        end = high if self.end is None else min(max(self.end, low + self.width), high)
        return end - self.width, end

    def zoomed(self, factor: float, about: float | None, extent: Span) -> Window:
        """Narrower by `factor` (wider, where it is below 1). `about` keeps its place on screen; without it the live
        end does where it is followed, else the middle."""
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
        """Moved to the right by a share of its width; arriving at the live end, it follows that."""
        if self.width is None:
            return self
        end = self.span(extent)[1] + share * self.width
        return Window(self.width, None if share > 0 and end >= extent[1] else end)._kept_in(extent)

    def showing(self, x: float, extent: Span) -> Window:
        """Moved just so far that `x` is in view."""
        low, high = self.span(extent)
        if self.width is None or low <= x <= high:
            return self
        return Window(self.width, x if x > high else x + self.width)._kept_in(extent)

    def held(self, extent: Span) -> Window:
        """The same stretch, which no longer moves with the live end."""
        low, high = self.span(extent)
        return Window(high - low, high)

    def _kept_in(self, extent: Span) -> Window:
        """A window that was pushed beyond an end stops there."""
        return self if self.end is None else Window(self.width, self.span(extent)[1])


WHOLE = Window()
