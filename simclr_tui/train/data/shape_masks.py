"""The ten figures as signed distances: negative inside, about one unit long where the figure has radius one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.floating[Any]]
Figure = Callable[[Float, Float], Float]

_PERIOD = 0.62  # of the textures, in radii: about 5 px at the middle size of a 32-px image
_STAR_INNER = 0.42
_SPIRAL_TURNS = 1.6


def disc(u: Float, v: Float) -> Float:
    return np.hypot(u, v) - 0.85


def ring(u: Float, v: Float) -> Float:
    return np.abs(np.hypot(u, v) - 0.75) - 0.19


def square(u: Float, v: Float) -> Float:
    return _box(u, v, width=0.75, height=0.75)


def triangle(u: Float, v: Float) -> Float:
    half = np.float32(np.sqrt(3) / 2)
    return _both(_both(half * u - v / 2, -half * u - v / 2), v) - 0.5


def cross(u: Float, v: Float) -> Float:
    bars: Float = np.minimum(_box(u, v, width=0.95, height=0.26), _box(u, v, width=0.26, height=0.95))
    return bars


def star(u: Float, v: Float) -> Float:
    """Draw five points. The plane is folded onto half a point, whose edge is one straight line."""
    tenth = np.float32(np.pi / 5)
    angle = np.abs(np.mod(np.arctan2(v, u) + tenth, 2 * tenth) - tenth)
    radius = np.hypot(u, v)
    inner = _STAR_INNER * np.cos(tenth), _STAR_INNER * np.sin(tenth)
    along = np.array([inner[0] - 1, inner[1]], np.float32)
    along /= np.hypot(*along)
    edge: Float = (radius * np.cos(angle) - 1) * along[1] - radius * np.sin(angle) * along[0]
    return edge


def stripes(u: Float, v: Float) -> Float:
    return _both(np.hypot(u, v) - 1, np.abs(_cell(u)) - _PERIOD / 4)


def checker(u: Float, v: Float) -> Float:
    """Draw squares of half a period; the product of two triangle waves changes sign at their edges."""
    a, b = np.abs(_cell(u)) - _PERIOD / 4, np.abs(_cell(v)) - _PERIOD / 4
    return _both(np.hypot(u, v) - 1, np.sign(a * b) * np.minimum(np.abs(a), np.abs(b)))


def dots(u: Float, v: Float) -> Float:
    return _both(np.hypot(u, v) - 1, np.hypot(_cell(u), _cell(v)) - 0.36 * _PERIOD)


def spiral(u: Float, v: Float) -> Float:
    radius = np.hypot(u, v)
    phase = np.mod(radius * _SPIRAL_TURNS - np.arctan2(v, u) / np.float32(2 * np.pi), 1)
    return _both(radius - 1, (np.abs(phase - 0.5) - 0.25) / _SPIRAL_TURNS)


def _box(u: Float, v: Float, *, width: float, height: float) -> Float:
    return _both(np.abs(u) - width, np.abs(v) - height)


def _both(a: Float, b: Float) -> Float:
    """Return the intersection of two figures."""
    inside: Float = np.maximum(a, b)
    return inside


def _cell(u: Float) -> Float:
    """Place within a repeated cell, -half to half a period."""
    place: Float = np.mod(u + _PERIOD / 2, _PERIOD) - _PERIOD / 2
    return place


FIGURES: tuple[Figure, ...] = (disc, ring, square, triangle, cross, star, stripes, checker, dots, spiral)
NAMES = tuple(figure.__name__ for figure in FIGURES)
