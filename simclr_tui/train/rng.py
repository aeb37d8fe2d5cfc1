"""Random numbers without a state: each is a pure function of what it is drawn for.

The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Its key
is (seed, stream) and its counter names the sample, the epoch and the view, so a draw depends neither on the
batch it is made in nor on the number of workers or devices, and resuming needs no saved generator.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # each holds one 32-bit word, so that a product of two does not overflow

_WORD = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10


class Stream(IntEnum):
    """Name the purpose of a draw; the numbers are part of every run's reproducibility, so never renumber."""

    ORDER = 0
    VIEWS = 1
    DROPOUT = 2
    EVALUATION_ORDER = 10
    EVALUATION_VIEWS = 11
    HELD_OUT = 12
    LABELS = 13


def philox4x32(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, ...]:
    """Return the four output words for each counter; the counter's words broadcast against one another."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        low, high = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (
            (high >> _SHIFT) ^ b ^ np.uint64(k0),
            high & _WORD,
            (low >> _SHIFT) ^ d ^ np.uint64(k1),
            low & _WORD,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return a, b, c, d


def bits64(seed: int, stream: int, epoch: int, samples: NDArray[np.int64], view: int, count: int) -> NDArray[np.uint64]:
    """Return (len(samples), count) integers, uniform over 64 bits. Asking for more leaves the first ones as they were.

    `seed`, `stream` and `epoch` are below 2³²; `view` below 2⁸; `count` up to 2²⁵.
    """
    identity = np.asarray(samples, np.int64).astype(np.uint64)[:, None]
    block = np.arange((count + 1) // 2, dtype=np.uint64)[None, :] + np.uint64(view << 24)
    counter = (identity & _WORD, identity >> _SHIFT, np.full_like(block, epoch), block)
    a, b, c, d = philox4x32(counter, (seed, stream))
    pairs = np.stack(((a << _SHIFT) | b, (c << _SHIFT) | d), axis=-1)
    return pairs.reshape(len(identity), -1)[:, :count]


def uniforms(
    seed: int, stream: int, epoch: int, samples: NDArray[np.int64], view: int, count: int
) -> NDArray[np.float64]:
    """Return (len(samples), count) numbers in [0, 1), each with 53 random bits. Arguments as in `bits64`."""
    bits = bits64(seed, stream, epoch, samples, view, count)
    return np.asarray((bits >> np.uint64(11)) * 2.0**-53, np.float64)


def epoch_order(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """Return the permutation of 0 … n−1 in which an epoch visits its samples."""
    keys = bits64(seed, Stream.ORDER, epoch, np.arange(n, dtype=np.int64), 0, 1)[:, 0]
    return np.argsort(keys, kind="stable")
