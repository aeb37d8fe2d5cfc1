"""One chart on screen, redrawn only when its data, its size or the theme changes; the cursor is an overlay."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from rich.segment import Segment
from rich.style import Style as CellStyle
from textual import events
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from simclr_tui.display.glyphs import draws_unicode
from simclr_tui.tui.charts.render import PLAIN, Drawing, Style, cells, draw, drawable
from simclr_tui.tui.feed.messages import Panel, Series

_SMALLEST = (8, 3)  # cells below which a chart is unreadable
_RAW = 0.65  # how far the raw line behind an average fades into the background
_REVERSE = CellStyle(reverse=True)
_ZOOM, _PAN = 1.5, 0.1  # per turn of the mouse wheel


class Chart(Widget):
    """Draw one Panel. Overlaid lines carry letters; without colours they consist of them."""

    class Pointed(Message):
        """Posted when the mouse points at a place on the x axis."""

        def __init__(self, chart: Chart, x: float) -> None:
            super().__init__()
            self.chart, self.x = chart, x

    class Zoomed(Message):
        """Posted when the wheel zooms in about a place (out, with a factor below 1)."""

        def __init__(self, factor: float, about: float | None) -> None:
            super().__init__()
            self.factor, self.about = factor, about

    class Panned(Message):
        """Posted when the wheel pans by a fraction of the window's width."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._panel: Panel | None = None
        self._style = PLAIN
        self._drawing: Drawing | None = None
        self._drawn: object = None
        self._base = CellStyle()

    def show(self, panel: Panel | None, style: Style = PLAIN) -> None:
        if (panel, style) != (self._panel, self._style):
            self._panel, self._style = panel, style
            self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._redraw()
        self._base = self.rich_style  # once for all lines: computing it visits every parent
        return super().render_lines(crop)

    def _redraw(self) -> None:
        """Redraw the lines if any of their inputs changed; the cursor is not one of them."""
        panel, (width, height) = self._panel, self.size
        if panel is None or width < _SMALLEST[0] or height < _SMALLEST[1]:
            self._drawing, self._drawn = None, None
            return
        shown = [(line.xs, line.ys, line.raw, line.colour, line.label, line.best) for line in panel.series]
        ground = self.background_colors[1]
        frame = (panel.axis, panel.span, panel.ceiling, panel.references)
        key = (shown, frame, self._style, width, height, ground, self.app.no_color)
        if key != self._drawn:
            lines = drawable(panel, self._style.log)
            self._drawing, self._drawn = self._draw(lines, width, height) if lines else None, key

    def _draw(self, lines: list[Series], width: int, height: int) -> Drawing:
        assert self._panel is not None
        letters = self.app.no_color and len(self._panel.series) > 1
        style = Style(self._style.log, self._style.clip, letters, draws_unicode())
        return draw(
            self._panel,
            lines,
            width=width,
            height=height,
            style=style,
            fade={line.colour: self._faded(line.colour) for line in lines},
        )

    def _faded(self, colour: str) -> str:
        """Return a colour faded into the background; grey where that is the terminal's own and unknown."""
        ground = self.background_colors[1]
        return Color.parse(colour).blend(ground, _RAW).hex if ground.ansi is None else "bright_black"

    def render_line(self, y: int) -> Strip:
        base, drawing = self._base, self._drawing
        if drawing is None:
            words = self._words() if y == 0 else ""
            return Strip([Segment(words, base)]).adjust_cell_length(self.size.width, base)
        parts = groupby(cells(drawing, y), key=itemgetter(1))
        segments = [
            Segment("".join(char for char, _ in part), base + CellStyle.parse(colour) if colour else base)
            for colour, part in parts
        ]
        strip = Strip(segments).adjust_cell_length(self.size.width, base)
        cursor = self._cursor_column(drawing)
        below = y > drawing.canvas.height + drawing.top
        return strip if cursor is None or below else _with_cursor(strip, drawing.left + cursor)

    def _words(self) -> str:
        """Return why there is no chart."""
        if self._panel is None or self.size.width < _SMALLEST[0]:
            return ""
        return "no data yet" if self._panel.empty or not self._style.log else "nothing above zero to show on a log axis"

    def _cursor_column(self, drawing: Drawing) -> int | None:
        """Return the cursor's column on the canvas; None out of view."""
        x = self._panel.cursor if self._panel else None
        if x is None or not drawing.span[0] <= x <= drawing.span[1]:
            return None
        return drawing.canvas.column_of(x)

    # The mouse.

    def _x_at(self, event: events.MouseEvent) -> float | None:
        return self._drawing.x_of(event.x) if self._drawing else None

    def on_click(self, event: events.Click) -> None:
        x = self._x_at(event)
        if x is not None:
            self.post_message(self.Pointed(self, x))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._turned(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._turned(event, -1)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        self._pan(event, -_PAN)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        self._pan(event, _PAN)

    def _turned(self, event: events.MouseEvent, up: int) -> None:
        """Zoom about the mouse; with shift or control, pan."""
        if event.shift or event.ctrl:
            self._pan(event, -_PAN * up)
        else:
            event.stop()
            self.post_message(self.Zoomed(_ZOOM**up, self._x_at(event)))

    def _pan(self, event: events.MouseEvent, share: float) -> None:
        event.stop()
        self.post_message(self.Panned(share))


def _with_cursor(strip: Strip, column: int) -> Strip:
    """Overlay the cursor: a line through blank cells, reverse video where something is drawn."""
    here = strip.crop(column, column + 1)
    blank = not here.text.strip()
    cell = Strip([Segment("│" if blank else text, style) for text, style, _ in here])
    return Strip.join([strip.crop(0, column), cell if blank else cell.apply_style(_REVERSE), strip.crop(column + 1)])
