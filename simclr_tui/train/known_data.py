"""Tell a run's data: what was found of it goes into the log and `data.json`; a resumed run refuses other data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import msgspec

from simclr_tui.errors import DataError
from simclr_tui.paths import RunPaths
from simclr_tui.recipe.reading import Reading
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.store.data_facts import DataFacts, read_data_facts, write_data_facts
from simclr_tui.text import safe
from simclr_tui.train.data.facts import describe
from simclr_tui.train.data.images import Data
from simclr_tui.train.observe.reporter import Reporter


def reading_of_run(paths: RunPaths, recipe: Recipe, *, resumes: bool) -> Reading:
    """Return how the images are read: as the recipe says, and with the splits that the run has been trained with.

    A run that began before a data set's own validation split was read has none, and goes on without it.
    """
    before = read_data_facts(paths.root) if resumes else None
    older = before is not None and before.validation_images is None
    return dataclasses.replace(recipe.reading, validation=not older)


@dataclass(frozen=True)
class KnownData:
    """Hold what the data is now, and the number of images that the schedule was made for (0: those that there are)."""

    facts: DataFacts
    schedule_images: int = 0


def recognise_data(paths: RunPaths, name: str, data: Data, *, resumes: bool) -> KnownData:
    """Compare the data with what the run was begun on. `resumes`: some of it is trained already.

    Raises DataError that says what changed, unless `simclr resume --accept-data` said that it may.
    """
    before = read_data_facts(paths.root)
    now = msgspec.structs.replace(describe(name, data), moved_to=before.moved_to if before else "")
    if resumes and before is not None and before.validation_images is None:
        now = msgspec.structs.replace(now, validation_images=None)  # nor will the next attempt read such a split
    if not resumes or before is None or before.fingerprint == now.fingerprint:
        kept = before.schedule_images if before is not None and resumes else 0
        return KnownData(msgspec.structs.replace(now, schedule_images=kept), kept)
    changes = before.differences(now)
    if not before.accept:
        write_data_facts(paths.root, msgspec.structs.replace(before, moved_to=""))
        raise DataError(
            f"this is not the data that {safe(paths.root.name)} was trained on: {'; '.join(changes)}",
            f"restore it, or go on with what is there: simclr resume {safe(paths.root.name)} --accept-data",
        )
    kept = before.schedule_images or before.images
    warning = f"the data changed and was accepted: {'; '.join(changes)}; the schedule stays that of {kept:,} images"
    now = msgspec.structs.replace(now, schedule_images=kept, warnings=[*now.warnings, warning])
    return KnownData(now, kept)


def check_checkpoint_data(paths: RunPaths, now: str, saved: object, *, accepted: bool) -> None:
    """Compare the data's fingerprint with that in a checkpoint, which says what `data.json` may have lost.

    Raises DataError, unless other data was accepted before. What the data was is then unknown, so that no schedule
    could be kept with other data.
    """
    if saved and saved != now and not accepted:
        name = safe(paths.root.name)
        raise DataError(
            f"this is not the data that the checkpoint of {name} was trained on",
            f"restore it, and resume; or start another run from these weights: --init {name}",
        )


def tell_data(paths: RunPaths, known: KnownData, report: Reporter) -> None:
    """Write the facts beside the recipe, and say in the log what they are and what is wrong with them."""
    facts = known.facts
    write_data_facts(paths.root, facts)
    for sentence in facts.sentences:
        report.log(safe(sentence))
    for warning in facts.warnings:
        report.event("warning", warning)
        report.log(f"warning: {safe(warning)}")
