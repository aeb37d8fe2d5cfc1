"""Record the dashboard from the start of a run to the verdict: `python scripts/record.py docs/demo.gif`.

The real program runs in a pseudo-terminal over a new store, on the generated images `shapes`: a run is cloned with
another temperature, trains, and is compared with the first. Training is shown faster than it is. Needs the extra `test`
(pyte reads the terminal, Pillow draws it in a font that matplotlib brings) and one to three minutes on two CPU cores.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import matplotlib
import pyte
from PIL import Image, ImageDraw, ImageFont
from pyte.screens import Char

COLUMNS, LINES = 108, 30
CELL = (8, 17)  # pixels
SIZE = 13  # of the font
GROUND, INK = "#121212", "#e0e0e0"
RECIPE = ("--data", "shapes", "--subset", "640", "--bs", "64", "--epochs", "4", "--threads", "1")
PATIENCE = 600.0  # seconds until what is waited for is missed
EVERY, SHOWN = 2.0, 0.18  # a frame of training every so many seconds, shown for so long
COLOURS = 128  # of the animation
_SAMPLED = 8  # frames from which they are chosen
_NAMED = {"black": "#121212", "red": "#f92672", "green": "#98e024", "brown": "#fd971f", "blue": "#9d65ff",
          "magenta": "#f4005f", "cyan": "#58d1eb", "white": "#c4c5b5"}  # fmt: skip


class Recording:
    """A program in a pseudo-terminal, and the frames that were taken of it; it is ended with its `with` block."""

    def __init__(self, *words: str) -> None:
        self.frames: list[tuple[Image.Image, float]] = []
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self._process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env=kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def _read(self, seconds: float) -> None:
        if select.select([self._master], [], [], seconds)[0]:
            with contextlib.suppress(OSError):
                data = os.read(self._master, 65536)
                if b"\x1b[c" in data:  # every terminal answers what kind it is
                    os.write(self._master, b"\x1b[?62c")
                self._stream.feed(data)

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def until(self, words: str, *, gone: bool = False, taking: bool = False) -> None:
        """Wait until the screen shows words, or no longer does; `taking` frames meanwhile. Raises TimeoutError."""
        began = last = time.monotonic()
        while (words in self.text) == gone:
            now = time.monotonic()
            if now - began > PATIENCE:
                raise TimeoutError(f"{words!r} was waited for in vain:\n{self.text}")
            if taking and now - last >= EVERY:
                last = now
                self.take(SHOWN)
            self._read(0.05)

    def hold(self, seconds: float, settle: float = 1.0) -> None:
        """Let the screen come to rest, and show it for so long."""
        end = time.monotonic() + settle
        while time.monotonic() < end:
            self._read(0.05)
        self.take(seconds)

    def take(self, seconds: float) -> None:
        self.frames.append((picture(self._screen), seconds))


def picture(screen: pyte.Screen) -> Image.Image:
    """Return what a terminal shows."""
    image = Image.new("RGB", (COLUMNS * CELL[0], LINES * CELL[1]), GROUND)
    for line in range(LINES):
        for column in range(COLUMNS):
            image.paste(_cell(screen.buffer[line][column]), (column * CELL[0], line * CELL[1]))
    return image


@cache
def _cell(char: Char) -> Image.Image:
    ink, ground = _colour(char.fg, INK), _colour(char.bg, GROUND)
    if char.reverse:
        ink, ground = ground, ink
    image = Image.new("RGB", CELL, ground)
    draw = ImageDraw.Draw(image)
    dots = ord(char.data[:1] or " ") - 0x2800
    if 0 <= dots < 256:
        for bit, (x, y) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]):
            if dots >> bit & 1:
                draw.rectangle((1 + 4 * x, 1 + 4 * y, 2 + 4 * x, 3 + 4 * y), ink)
    elif char.data.strip():
        draw.text((0, 1), char.data, ink, _font(char.bold))
    return image


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSansMono-Bold.ttf" if bold else "DejaVuSansMono.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, SIZE)


def _colour(name: str, usual: str) -> str:
    if name == "default":
        return usual
    return _NAMED.get(name.removeprefix("bright"), f"#{name}")


def save(frames: list[tuple[Image.Image, float]], target: Path) -> None:
    """Write an endless animation, in the colours that most of its frames have."""
    width, height = frames[0][0].size
    chosen = [image for image, _ in frames[:: max(1, len(frames) // _SAMPLED)]]
    strip = Image.new("RGB", (width, height * len(chosen)))
    for place, image in enumerate(chosen):
        strip.paste(image, (0, place * height))
    palette = strip.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    found = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in frames]
    times = [round(1000 * seconds) for _, seconds in frames]
    found[0].save(target, save_all=True, append_images=found[1:], duration=times, loop=0, optimize=True)


def record(store: Path, run: Callable[..., list[str]]) -> list[tuple[Image.Image, float]]:
    """Train a first run, then clone it in the dashboard, and compare the two."""
    subprocess.run(run("run", "--runs", str(store), "--name", "temp-0.5", *RECIPE), check=True, capture_output=True)
    with Recording(*run("tui", "--runs", str(store))) as dashboard:
        dashboard.until("temp-0.5")
        dashboard.until("loss NT-Xent")
        dashboard.hold(2.5)
        dashboard.press("c")
        dashboard.until("as a command")
        dashboard.hold(1.5)
        for field, value in (("temperature", "0.1"), ("run's name", "temp-0.1")):
            dashboard.press("\x06")  # find a field
            dashboard.until("Go to a field")
            dashboard.press(f"{field}\r")
            dashboard.until("Go to a field", gone=True)
            dashboard.press(f"\x15{value}")  # in place of what stands there
            dashboard.until(value)
            dashboard.hold(1.2)
        dashboard.press("\x13")  # start
        dashboard.until("New run", gone=True)
        dashboard.until("● running", taking=True)
        dashboard.until("2 finished", taking=True)
        dashboard.hold(2.5)
        dashboard.press(" ")
        dashboard.until("1 marked")
        dashboard.press("j ")
        dashboard.until("2 marked")
        dashboard.hold(3.0)
        dashboard.press("=")
        dashboard.until("Conclusions")
        dashboard.hold(5.0, settle=3.0)
        return dashboard.frames


def main(words: list[str]) -> int:
    target = Path(words[0])
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"HOME": home, "XDG_CONFIG_HOME": f"{home}/.config"}
        store = Path(home, "project", "runs")
        store.parent.mkdir()

        def run(*rest: str) -> list[str]:
            return [sys.executable, "-P", "-m", "simclr_tui.cli.main", *rest]

        try:
            frames = record(store, run)
        finally:  # where something went wrong in the middle, the second run still trains
            subprocess.run(run("stop", "--runs", str(store), "--kill", "temp-0.1"), capture_output=True, check=False)
    save(frames, target)
    shown = sum(seconds for _, seconds in frames)
    print(f"{target}: {len(frames)} frames, {shown:.0f} s, {target.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
