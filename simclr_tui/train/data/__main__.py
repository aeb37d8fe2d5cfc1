"""`python -m simclr_tui.train.data NAME`: download and decode ahead of a run."""

from __future__ import annotations

import argparse
import sys

from simclr_tui.errors import ExitCode, SimclrError
from simclr_tui.recipe.datasets import KNOWN
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.recipe.split_counts import SplitCounts
from simclr_tui.train.data.open import open_data
from simclr_tui.train.data.progress_line import ProgressLine


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m simclr_tui.train.data", description=__doc__)
    parser.add_argument("name", help=f"{', '.join(KNOWN)} or folder:PATH")
    parser.add_argument("--image-size", type=int, default=32, help="side of a view in pixels")
    parser.add_argument("--subset", type=int, default=0, help="training images (0: all)")
    given = parser.parse_args(arguments)
    try:
        recipe = Recipe(data=given.name, image_size=given.image_size, subset=given.subset)
        data = open_data(
            given.name,
            image_size=given.image_size,
            subset=given.subset,
            progress=ProgressLine(),
            reading=recipe.reading,
        )
    except SimclrError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    test, validation = (len(split) if split else 0 for split in (data.test, data.validation))
    counts = SplitCounts(len(data.train), test, validation)
    print(f"{given.name}: {counts.words}", file=sys.stderr)
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
