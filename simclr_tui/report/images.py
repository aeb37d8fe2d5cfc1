"""Images of a run for its report: augmented views of the first training images, and neighbours of a test image."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from simclr_tui.errors import CancelledError, SimclrError
from simclr_tui.launch.cancel import Cancel
from simclr_tui.launch.tasks import neighbors, preview
from simclr_tui.report.blocks import Block, Heading, Paragraph, Pictures
from simclr_tui.store.picture import Picture
from simclr_tui.store.run import Run

_VIEWS, _NEIGHBORS = 4, 8


@dataclass
class RunImages:
    """Hold the blocks that show images; `held` says which images of whose they are, `missing` why some are not."""

    blocks: list[Block] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def images_of(run: Run, cancel: Cancel | None = None) -> RunImages:
    """Return views and neighbours as far as the run's data and checkpoint are there. Takes seconds: torch computes.

    Raises CancelledError where `cancel` was requested.
    """
    found = RunImages()
    if run.is_partly_known:
        found.missing.append(f"{run.name} was trained by another program on images that are not known")
        return found
    try:
        _add_views(run, found, cancel)
        if run.checkpoints:
            _add_neighbors(run, found, cancel)
    except CancelledError:
        raise
    except SimclrError as error:
        found.missing.append(f"{run.name}: {error.message}")
    return found


def _add_views(run: Run, found: RunImages, cancel: Cancel | None) -> None:
    shown = preview(run.resolved, _VIEWS, quiet=True, cancel=cancel)
    images = [
        pair
        for row in shown.images
        for pair in ((f"{row.index} {row.label}", row.original), ("view 1", row.views[0]), ("view 2", row.views[1]))
    ]
    found.blocks += [
        Heading(f"Views of {run.name}"),
        Paragraph(f"The first training images, each beside two views of it. {shown.channels}".strip()),
        Pictures([(caption, as_png(picture)) for caption, picture in images], together=3),
    ]
    found.held.append(f"{len(shown.images)} training images of {run.recipe.data}, with two views each")


def _add_neighbors(run: Run, found: RunImages, cancel: Cancel | None) -> None:
    near = neighbors(run, "0", split="train", k=_NEIGHBORS, device="cpu", quiet=True, cancel=cancel)
    images = [(f"query {near.label}", near.query)]
    images += [(f"{one.similarity:.3f} {one.label or one.index}", one.picture) for one in near.neighbors]
    words = f"Test image 0 and the training images nearest to it by cosine similarity of h at step {near.step:,}."
    found.blocks += [
        Heading(f"Neighbours in {run.name}"),
        Paragraph(f"{words} {near.channels}".strip()),
        Pictures([(caption, as_png(picture)) for caption, picture in images]),
    ]
    found.held.append(f"1 test image of {run.recipe.data} and {len(near.neighbors)} training images near it")


def as_png(picture: Picture) -> bytes:
    """Return the picture as a PNG file."""
    from PIL import Image  # takes longer to import than most reports without images to write

    buffer = io.BytesIO()
    Image.frombytes("RGB", (picture.width, picture.height), picture.rgb).save(buffer, "PNG")
    return buffer.getvalue()
