"""Explain the numbers that runs are judged by, in about ten lines each with a drawing; shared by both faces."""

from __future__ import annotations

import textwrap

from simclr_tui.errors import NotFoundError
from simclr_tui.text import did_you_mean, safe

EXPLANATIONS: dict[str, str] = {
    "knn": """\
kNN accuracy: do images of one class lie together in h?

      a a             Each test image (?) is given the class that most of its nearest
     a ? a   b b      training images have, by cosine similarity of h; near ones count
      a       b b     more. No label is used for training, and nothing is trained here.

It is measured before the first step, so the first value shows what the untrained network can do. Chance is the share of
the largest class: 10 % for ten balanced classes. It should rise within the first epochs; one that stays flat means a
learning rate, a temperature or augmentations that do not suit the data. Compare runs only over the same images.""",
    "loss": """\
loss: NT-Xent, how well each view finds the other view of its own image.

     z ──► own partner          −log of the share that the partner has among all 2N − 1
      └──► 2N − 2 others        other views of the batch, after dividing by the temperature

At chance it is ln(2N − 1): 5.5 for a batch of 128 images, 6.2 for 256. It falls as pairs are recognised. A lower loss
does not mean a better encoder: it depends on the batch size and the temperature, so compare it only between runs that
share both. Judge an encoder by kNN or a linear probe.""",
    "rank": """\
rank: the effective rank of h, how many directions the encoder uses.

     healthy  ████▇▇▆▆▅▅▄▄▃▃▂▂▁    exp of the entropy of the singular values of centred h:
     collapsed █▁                  many values of like size mean many directions

Tens to hundreds are healthy, depending on the encoder's width; a higher rank is not a better encoder. Near 1, all
images get almost the same h: the run is flagged as collapsed below 2. rank_z is the same for the projection z. If it
falls while training, try a higher temperature, more negatives (a larger batch), or stronger augmentation.""",
    "uniformity": """\
uniformity: how evenly z covers the unit sphere (Wang & Isola, 2020).

     · · ·          ···       log of the mean of exp(−2 ‖zᵢ − zⱼ‖²) over pairs of images.
    ·     ·   vs.   ···       0 means that all images are one point; lower is more even.
     · · ·

A healthy run falls below −1; the lowest possible value is −4. It is one half of what NT-Xent asks for:
views of different images apart. The other half is alignment. Uniformity without alignment is noise; alignment without
uniformity is collapse.""",
    "alignment": """\
alignment: how close the two views of one image lie (Wang & Isola, 2020).

     ·─·   ·─·      Mean squared distance of an image's two normalised z. 0 means that
        ·─·         augmentation changes nothing; lower is better while uniformity holds.

It falls as the encoder learns to ignore crops and colours. An alignment near 0 together with a uniformity near 0 is
collapse: everything is one point.""",
    "temperature": """\
temperature τ (--temp): how much the nearest negatives count.

     τ 0.1   ▁▁▁▁▁▁▁▂█     Similarities are divided by τ before the softmax: a low τ weighs
     τ 1.0   ▃▃▄▄▄▅▅▅▆     the hardest negatives most, a high τ weighs all alike.

The paper finds 0.1 best on ImageNet with large batches, and uses 0.5 on CIFAR-10 (table 5, appendix B.9). Too low, and
images of one class push each other apart; too high, and classes blur. The loss of runs with different τ cannot be
compared; their kNN can. Try 0.1, 0.2 and 0.5: simclr sweep --temp 0.1,0.2,0.5""",
}


def wrapped(text: str, width: int) -> list[str]:
    """Return the lines of an explanation, its prose wrapped to `width`; drawings, which are indented, stay whole."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        drawn = paragraph.startswith(" ")
        lines += [*(paragraph.split("\n") if drawn else textwrap.wrap(paragraph, width)), ""]
    return lines[:-1]


def explain(topic: str) -> str:
    """Return the explanation of a topic. Raises NotFoundError with the nearest one."""
    if topic.lower() not in EXPLANATIONS:
        hint = did_you_mean(topic.lower(), EXPLANATIONS) or f"there is {', '.join(EXPLANATIONS)}"
        raise NotFoundError(f"nothing explains {safe(topic)!r}", hint)
    return EXPLANATIONS[topic.lower()]
