"""How many images train, validate and test, and the one sentence that says so wherever it is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SplitCounts:
    """Count the images of each split. `held_out` says that those to test on are taken out of the training images."""

    train: int
    test: int = 0
    validation: int = 0
    held_out: bool = False

    def drawn(self, subset: int) -> SplitCounts:
        """Return the counts of a run that draws at most `subset` images of each split (0: all)."""
        if not subset:
            return self
        train, test, validation = (min(subset, count) for count in (self.train, self.test, self.validation))
        return SplitCounts(train, test, validation, self.held_out)

    @property
    def words(self) -> str:
        """Return the counts in words: `1,800 images to train on, 200 to test on (held out)`."""
        validation = f", {self.validation:,} to validate on" if self.validation else ""
        test = f"{self.test:,}" if self.test else "none"
        held_out = " (held out)" if self.held_out and self.test else ""
        return f"{self.train:,} image{'s'[: self.train != 1]} to train on{validation}, {test} to test on{held_out}"
