"""`simclr preview [FLAGS]`: show the augmented views before starting a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from simclr_tui.cli import output
from simclr_tui.cli.options import Config, Preset
from simclr_tui.cli.recipe_options import with_recipe_flags


@with_recipe_flags
def preview(
    *,
    preset: Preset = "auto",
    config: Config = None,
    images: Annotated[int, typer.Option("--images", "-i", min=1, max=256, help="Number of images.")] = 4,
    file: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write a PNG instead of drawing in the terminal.", show_default=False),
    ] = None,
    flags: dict[str, Any],
) -> None:
    """Draw the first training images, each beside its two augmented views.

    Takes the flags of `simclr run`, and shows exactly the pixels that such a run would train on.
    """
    from simclr_tui.launch.plan import make_plan
    from simclr_tui.launch.tasks import preview as compute

    plan = make_plan(preset, config, flags, trains=False)
    for choice in plan.choices:
        output.talk(f"using {choice}")
    shown = compute(plan.resolved, images, target=file)
    if shown.file:
        return output.talk(f"wrote {shown.file}: {len(shown.images)} images, each beside its two views")
    if shown.channels:
        output.talk(shown.channels)
    from simclr_tui.cli.pictures import print_pictures

    captioned = [
        pair
        for row in shown.images
        for pair in (
            (f"image {row.index}  {row.label}", row.original),
            ("view 1", row.views[0]),
            ("view 2", row.views[1]),
        )
    ]
    return print_pictures(captioned, across=3)
