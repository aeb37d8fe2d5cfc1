"""Open a source of images: list it, survey it, choose channels and range, then decode it once, or image by image."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from simclr_tui.atomic import write_file
from simclr_tui.recipe.layout import Layout
from simclr_tui.recipe.reading import Reading
from simclr_tui.train.data import decoded_cache
from simclr_tui.train.data.decode import pillow_picks
from simclr_tui.train.data.decode_pool import Decoders
from simclr_tui.train.data.each import Progress
from simclr_tui.train.data.facts import with_digests
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.data.lazy_images import DAMAGED_LIMIT, DamagedImages, FileImages, too_many
from simclr_tui.train.data.memory_budget import fits
from simclr_tui.train.data.pixels import Labels, Pixels
from simclr_tui.train.data.quality import looked_at, quality_warnings
from simclr_tui.train.data.scaling import Scaling
from simclr_tui.train.data.sources.contents import Contents
from simclr_tui.train.data.sources.protocol import Source, shaped_pixels_of
from simclr_tui.train.data.sources.refusals import Refused, for_each_accepted
from simclr_tui.train.data.splits import Split, chosen
from simclr_tui.train.data.survey import are_rgb, choose_alike, survey_images
from simclr_tui.train.data.value_range import choose_range, measure
from simclr_tui.train.data.whole_images import WholeImages, stored


def open_images(
    source: Source,
    image_size: int,
    subset: int,
    *,
    reading: Reading,
    progress: Progress,
    cache_dir: Path,
    digests: bool = False,
) -> Data:
    """Decode a source into squares of one size, or map what an earlier call decoded; images whose pixels do not fit
    into memory are left to be decoded one by one as they are asked for. The pixels are the same. With `digests`, those
    of the held-out images are taken too. Raises DataError.

    The stored side is the largest shorter side among the images, at most `side_cap`: images that share a
    size are kept pixel for pixel, larger ones keep enough for a random crop, and smaller ones are enlarged to
    the common side. What is not square keeps its central square; or, for crops from the whole image, is squeezed into
    a square of the largest longer side, at most `side_cap`.
    """
    layout = source.layout(reading)
    train, test, validation = chosen(layout, subset, reading)
    cap = side_cap(image_size)
    splits = (train, test, validation)
    stamps = {image: source.stamp(image) for split in splits for image in split.names}
    listed = [[f"{image}\0{stamps[image]}" for image in split.names] for split in splits]
    told_by_names = ("validation",)
    read_as = [
        value for field, value in asdict(reading).items()
        if (field, value) != ("crop_from", "square") and field not in told_by_names
    ]  # fmt: skip
    third = ["validation", *listed[2]] if validation.names else []
    name = decoded_cache.key([source.spec, cap, subset, *read_as, *listed[0], "test", *listed[1], *third])
    report = cache_dir / f"{name}-damaged.txt"
    opener = _Opener(source, reading, progress, report, layout, splits, stamps)
    data = decoded_cache.load(cache_dir, name)
    if data is None:
        plan = _kept(cache_dir / f"{name}-headers.json", lambda: opener.plan(cap))
        opener.refuse_many(plan.damaged)
        if not fits(opener.count, plan.scaling.bytes):
            data = opener.undecoded(plan)
        else:
            data = decoded_cache.cached(
                cache_dir, name, lambda allocate: opener.decoded(plan, allocate), about=source.spec
            )
    data = opener.named(data)
    contents = Contents(source, cache_dir / f"{name}-held-out.json")
    return with_digests(data, contents, progress) if digests else data


def side_cap(image_size: int) -> int:
    """Return the largest side stored, in px: 8/7 of a view, as ImageNet's 256 for 224, and 96 at least."""
    return max(96, round(image_size * 8 / 7))


_SPLITS = ("train", "test", "validation")
_LOOKED_INTO = 64  # images that are decoded only to be looked at
_REFUSED_DECODING = 100  # images, after which no others are decoded only to be refused


@dataclass(frozen=True)
class Plan:
    """Hold what the survey and the measuring of a data set came to: how every image becomes pixels, and why so."""

    scaling: Scaling
    reason: str
    damaged: tuple[str, ...]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def _kept(file: Path, make: Callable[[], Plan]) -> Plan:
    """Return the plan kept in `file`, or that which `make` gives, kept there if possible: a million headers take
    minutes to read."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        return _plan_from(json.loads(file.read_text()))
    plan = make()
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, json.dumps(asdict(plan)).encode())
    return plan


def _plan_from(found: dict[str, Any]) -> Plan:
    words = {key: tuple(map(str, found[key])) for key in ("damaged", "notes", "warnings")}
    return Plan(Scaling.from_json(found["scaling"]), str(found["reason"]), **words)


@dataclass(frozen=True)
class _Opener:
    source: Source
    reading: Reading
    progress: Progress
    report: Path
    layout: Layout
    splits: tuple[Split, Split, Split]
    stamps: dict[str, str]

    @property
    def train(self) -> Split:
        return self.splits[0]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for split in self.splits for name in split.names)

    @property
    def count(self) -> int:
        return len(self.names)

    def plan(self, cap: int) -> Plan:
        found = survey_images(self.source, self.names, self.reading, progress=self.progress)
        self.refuse_many(found.damaged)
        channels, notes = choose_alike(found, self.reading)
        whole = self.reading.crop_from == "whole" and found.longer > 0
        side, rgb = min(cap, found.longer if whole else found.side), are_rgb(found, self.reading)
        scaling = Scaling(side, channels, whole=whole, rgb=rgb)
        eight_bits = all(form.dtype == "uint8" for form in found.formats)
        values = None
        if not (self.reading.as_0_1 or self.reading.range == "image" or (eight_bits and self.reading.range == "auto")):
            nan_is_low = self.reading.bounds is not None
            held_out = [name for split in self.splits[1:] for name in split.names]
            values = measure(
                self.source, self.train.names, channels, nan_is_low=nan_is_low, progress=self.progress, others=held_out
            )
        picked = choose_range(scaling, self.reading, eight_bits, values=values)
        ready = picked.scaling
        if ready.plain and all(form.direct and pillow_picks(channels, form.channels) for form in found.formats):
            ready = replace(ready, direct=True)
        # Decoded images are looked at once they are; of those that stay in files, a few are decoded for this alone.
        seen = () if fits(self.count, ready.bytes) else self._quality(ready)
        return Plan(ready, picked.reason, found.damaged, notes, (*picked.warnings, *seen))

    def _quality(self, scaling: Scaling) -> tuple[str, ...]:
        names = [self.train.names[place] for place in looked_at(len(self.train.names), _LOOKED_INTO)]
        found: list[Pixels] = []

        def look(_: int, name: str) -> bool:
            found.append(shaped_pixels_of(self.source, name, scaling)[0])
            return True

        # What is refused here is refused by training too, in its own words.
        for_each_accepted("looking into images", names, look, progress=self.progress, refused=Refused())
        return self._warnings_of(found, scaling)

    def _warnings_of(self, images: Iterable[Pixels], scaling: Scaling) -> tuple[str, ...]:
        return () if self.reading.as_0_1 else quality_warnings(images, scaling)

    def decoded(self, plan: Plan, allocate: decoded_cache.Allocate) -> Data:
        refused = Refused()
        decoded = [
            self._decode(what, split, plan.scaling, allocate=allocate, refused=refused)
            for what, split in zip(_SPLITS, self.splits, strict=True)
        ]
        refused.check()
        damaged = tuple(sorted(name for _, lost in decoded for name in lost))
        self.refuse_many(damaged)
        sets = [_substitute(images, split, lost) for (images, lost), split in zip(decoded, self.splits, strict=True)]
        data = self._data(sets, damaged, plan=plan)
        some = (np.asarray(sets[0].images[place]) for place in looked_at(len(sets[0])))
        warnings = (*data.warnings, *self._warnings_of(some, plan.scaling))
        return replace(data, warnings=tuple(dict.fromkeys(warnings)))

    def undecoded(self, plan: Plan) -> Data:
        """Leave the images to be decoded on demand; those without a readable header are known to be damaged."""
        decoders, damages = Decoders(self.source, plan.scaling), DamagedImages(self.count, plan.damaged)
        sets = [
            ImageSet(FileImages.of(split.names, decoders, damages), _without(split, plan.damaged))
            for split in self.splits
        ]
        return self._data(sets, plan.damaged, plan=plan, damages=damages)

    def named(self, data: Data) -> Data:
        """Return the data with what the listing says now: classes, labels, names, groups, what was left out.

        A cache holds classes and labels too; but those of a table may be others since, of the same images.
        """
        sets = zip((data.train, data.test, data.validation), self.splits, strict=True)
        train, test, validation = (
            None if images is None else self._listed(images, split, data.damaged) for images, split in sets
        )
        assert train is not None
        return replace(
            data, train=train, test=test, validation=validation, validated_on=self.layout.validated_on,
            classes=self.layout.classes, layout=self.layout.notes, left_out=self.layout.left_out,
        )  # fmt: skip

    def _listed(self, images: ImageSet, split: Split, damaged: tuple[str, ...]) -> ImageSet:
        named = replace(images, names=split.names, sizes=self._sizes(split), groups=split.groups)
        if not self.layout.classes:
            return replace(named, labels=None, listed=None)
        return replace(named, labels=_without(split, damaged), listed=split.labels)

    def _sizes(self, split: Split) -> tuple[str, ...]:
        """Return each file's size as its stamp says it, without the time of its change."""
        return tuple(self.stamps[name].partition(" ")[0] for name in split.names)

    def _data(
        self, sets: list[ImageSet], damaged: tuple[str, ...], *, plan: Plan, damages: DamagedImages | None = None
    ) -> Data:
        train, test, validation = sets
        said = {
            "damaged": damaged, "damages": damages, "scaling": plan.scaling, "range_reason": plan.reason,
            "notes": plan.notes, "warnings": plan.warnings,
        }  # fmt: skip
        if not self.layout.classes:
            return Data(ImageSet(train.images, None), None, (), **said)  # type: ignore[arg-type]
        own = validation if len(validation) else None
        return Data(train, test, self.layout.classes, validation=own, **said)  # type: ignore[arg-type]

    def _decode(
        self, what: str, split: Split, scaling: Scaling, *, allocate: decoded_cache.Allocate, refused: Refused
    ) -> tuple[ImageSet, list[str]]:
        out = allocate(what, (len(split.names), *scaling.shape), scaling.dtype)
        shapes = np.ones((len(split.names), 2), np.int32)

        def into(index: int, name: str) -> bool:
            out[index], shapes[index] = shaped_pixels_of(self.source, name, scaling)
            return True

        done = for_each_accepted(
            f"decoding {what} images", split.names, into, progress=self.progress, most=_REFUSED_DECODING,
            refused=refused,
        )  # fmt: skip
        damaged = [name for name, written in zip(split.names, done, strict=False) if not written]
        return ImageSet(WholeImages(out, shapes) if scaling.whole else out, split.labels), damaged

    def refuse_many(self, damaged: tuple[str, ...]) -> None:
        """Raise DataError where so many images are damaged that training on the rest would be another experiment."""
        if len(damaged) > DAMAGED_LIMIT * self.count:
            raise too_many(damaged, self.count, self._written_down(damaged))

    def _written_down(self, damaged: tuple[str, ...]) -> str:
        """Write the whole list down and return a hint at it; an empty hint where it cannot be written."""
        try:
            self.report.parent.mkdir(parents=True, exist_ok=True)
            self.report.write_text("".join(f"{name}\n" for name in damaged), "utf-8", "surrogateescape")
        except OSError:
            return ""
        return f"; all are named in {self.report}"


def _substitute(images: ImageSet, split: Split, damaged: list[str]) -> ImageSet:
    """Put the nearest earlier good image, else the next one, in the place of each damaged one, without a label."""
    if not damaged or images.labels is None:
        return images
    lost = set(damaged)
    assert not isinstance(images.images, FileImages)
    pixels, shapes = stored(images.images)
    bad = np.fromiter((name in lost for name in split.names), np.bool_)
    good = np.flatnonzero(~bad)
    for index in np.flatnonzero(bad):
        source = good[max(0, int(np.searchsorted(good, index)) - 1)]
        pixels[index] = pixels[source]
        if shapes is not None:
            shapes[index] = shapes[source]
    return ImageSet(images.images, _without(split, damaged))


def _without(split: Split, damaged: Collection[str]) -> Labels:
    """Return the labels of a split, none for the damaged images.

    What stands in the place of one is an image of the same split, but it may be of another class, patient or slide: it
    is trained on, but neither votes nor is asked for, lest an image is its own nearest neighbour.
    """
    lost = set(damaged)
    return np.where([name in lost for name in split.names], -1, split.labels) if lost else split.labels
