"""The Recipe's declarations: help, flags, bounds, contradictions."""

from __future__ import annotations

import itertools
import math
import re

import msgspec
import pytest

from simclr_tui.errors import ExitCode, RecipeError
from simclr_tui.recipe.fields import check_value, differ, field, fields, short_values
from simclr_tui.recipe.recipe import OPERATIONS, Recipe

NUMBERS = [item for item in fields() if item.type in (int, float)]


@pytest.mark.parametrize("item", fields(), ids=lambda item: item.key)
def test_every_field_says_what_it_is(item):
    assert item.help.endswith(".")
    assert 8 <= len(item.help) <= 160
    assert item.group in ("data", "views", "model", "objective", "optimisation", "running")
    assert item.accepts
    assert re.fullmatch(r"--[a-z][a-z0-9-]*(/--no-[a-z0-9-]+)?", item.flag)
    assert ("/" in item.flag) == (item.type is bool)
    if item.type is bool:
        word = item.short.replace("_", "-")
        assert item.flag == f"--{word}/--no-{word}"


def test_no_two_fields_share_a_name():
    names = [name for item in fields() for name in {item.key, item.short}]
    assert len(names) == len(set(names))
    assert len({item.flag for item in fields()}) == len(fields())


def test_fields_are_found_by_key_short_name_and_dashed_key():
    for item in fields():
        assert field(item.key) is item
        assert field(item.short) is item
        assert field(item.key.replace("_", "-")) is item


def test_groups_stand_together():
    groups = [item.group for item in fields()]
    changes = sum(a != b for a, b in itertools.pairwise(groups))
    assert changes == len(set(groups)) - 1


def test_defaults_are_valid_and_typed():
    for item in fields():
        assert type(item.default) is item.type
        assert check_value(item, item.default) == item.default
    assert Recipe().check() == Recipe()


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.key)
def test_a_number_has_bounds_on_both_sides_and_is_refused_outside(item):
    about = next(part for part in msgspec.inspect.type_info(Recipe).fields if part.name == item.key).type.type
    above = [bound for bound in (about.gt, about.ge) if bound is not None]
    below = [bound for bound in (about.lt, about.le) if bound is not None]
    assert above, "no lower bound"
    assert below, "no upper bound"
    step = 1 if item.type is int else 1e-3
    for outside in (above[0] - step, below[0] + step * max(1, abs(below[0]))):
        with pytest.raises(RecipeError, match=re.escape(item.flag)):
            check_value(item, item.type(outside))
    if about.gt is not None:
        with pytest.raises(RecipeError):
            check_value(item, item.type(about.gt))


@pytest.mark.parametrize("item", NUMBERS, ids=lambda item: item.key)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, -math.inf, True, None, "abc", [1], {}, 10**40], ids=repr)
def test_what_is_not_such_a_number_is_refused(item, value):
    with pytest.raises(RecipeError) as caught:
        check_value(item, value)
    assert item.flag in caught.value.message
    assert item.accepts in caught.value.message
    assert item.help in caught.value.hint
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "", " ", "0x10", "1,5", "true", "-1", "9" * 5000])
def test_text_that_is_not_a_temperature_is_refused(text):
    with pytest.raises(RecipeError, match="--temp must be a number > 0"):
        field("temp").parse(text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("bs", "512", 512), ("bs", " 512 ", 512), ("temp", "0.1", 0.1), ("temp", "1", 1.0), ("lr", "3e-4", 3e-4),
        ("head-bn", "true", True), ("head-bn", "false", False), ("head-bn", "0", False), ("data", "shapes", "shapes"),
        ("encoder", "resnet50", "resnet50"), ("device", "cuda:1", "cuda:1"), ("data", "12", "12"),
        ("encoder", "timm:vit_tiny.x_1", "timm:vit_tiny.x_1"), ("precision", "fp16", "fp16"),
        ("augment", " crop,color ", "crop,color"), ("micro-batch", "64", "64"), ("gpus", "all", "all"),
    ],
)  # fmt: skip
def test_text_is_parsed_into_the_fields_type(name, text, value):
    parsed = field(name).parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bs", 2.5), ("bs", "256"), ("bs", 256.0), ("lr", "0.1"), ("head-bn", 1), ("head-bn", "true"), ("data", 5),
        ("data", ""), ("data", b"shapes"), ("data", "folder:/\udce9"), ("encoder", "ResNet18"),
        ("encoder", ""), ("encoder", "timm:"), ("encoder", "hub:vit"), ("encoder", "../vit"), ("encoder", "vit\n"),
        ("device", "gpu"), ("device", "cuda:1\n"), ("device", "cuda:-1"), ("device", "cuda:١"), ("precision", "fp8"),
        ("augment", ""), ("micro-batch", "0"), ("micro-batch", "on"), ("gpus", "0"), ("gpus", "08"), ("gpus", 2),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name, value):
    with pytest.raises(RecipeError):
        check_value(field(name), value)


def test_a_whole_number_will_do_for_a_fraction():
    assert check_value(field("lr"), 1) == 1.0
    assert isinstance(check_value(field("lr"), 1), float)


@pytest.mark.parametrize(
    ("typed", "meant"), [("temprature", "temperature"), ("batchsize", "batch_size"), ("warm-up", "warmup")]
)
def test_an_unknown_field_names_the_nearest(typed, meant):
    with pytest.raises(RecipeError, match=f"did you mean {meant}"):
        field(typed)


def test_an_unknown_field_without_a_near_one_still_says_where_to_look():
    with pytest.raises(RecipeError, match="simclr run --help"):
        field("zzzzzz")


@pytest.mark.parametrize("choices", [item for item in fields() if item.choices], ids=lambda item: item.key)
def test_each_choice_is_accepted_and_named(choices):
    for choice in choices.choices:
        assert choices.parse(choice) == choice
        assert choice in choices.accepts


def test_what_is_accepted_is_told_without_rounding():
    assert field("seed").accepts == "a whole number ≥ 0 and ≤ 4,294,967,295"
    assert field("epochs").accepts == "a whole number ≥ 1 and ≤ 1,000,000"
    assert field("momentum").accepts == "a number ≥ 0 and < 1"


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_rate_meant_for_sgd_is_refused_for_adam(optimizer):
    with pytest.raises(RecipeError, match="--lr-scaling none"):
        Recipe(optimizer=optimizer, lr=0.3, lr_scaling="linear").check()
    Recipe(optimizer=optimizer, lr=3e-4, lr_scaling="none").check()
    Recipe(optimizer=optimizer, lr=1e-3, lr_scaling="linear").check()
    Recipe(optimizer="sgd", lr=0.3, lr_scaling="linear").check()


def test_a_warm_up_longer_than_the_training_is_refused():
    with pytest.raises(RecipeError, match="warm-up of 20 epochs does not fit into 10"):
        Recipe(epochs=10, warmup=20.0).check()
    Recipe(epochs=10, warmup=10.0).check()


@pytest.mark.parametrize(
    ("scaling", "expected"), [("none", 0.3), ("linear", 0.3 * 4096 / 256), ("sqrt", 0.3 * 64)]
)  # §B.1: 0.3·B/256 and 0.075·√B
def test_peak_rate_follows_the_paper(scaling, expected):
    assert Recipe(lr=0.3, batch_size=4096, lr_scaling=scaling).peak_lr == pytest.approx(expected)


def test_the_two_rules_of_the_paper_agree_at_its_default_batch():
    linear = Recipe(lr=0.3, batch_size=4096, lr_scaling="linear").peak_lr
    root = Recipe(lr=0.075, batch_size=4096, lr_scaling="sqrt").peak_lr
    assert linear == pytest.approx(root)


@pytest.mark.parametrize(
    ("stem", "side", "small"),
    [("auto", 32, True), ("auto", 64, True), ("auto", 65, False), ("cifar", 224, True), ("imagenet", 32, False)],
)
def test_the_small_stem_is_for_small_views(stem, side, small):
    assert Recipe(stem=stem, image_size=side).cifar_stem is small


def test_auto_is_what_has_a_probability_in_the_canonical_order():
    assert Recipe().operations == ("crop", "flip", "color", "gray")
    assert Recipe(flip=0.0, noise=0.1, cutout=1.0).operations == ("crop", "color", "gray", "cutout", "noise")
    chances = {name: 0.5 for name in OPERATIONS if name not in ("crop", "color")}
    assert Recipe(**chances).operations == OPERATIONS


def test_a_list_of_operations_is_taken_in_its_own_order():
    recipe = Recipe(augment=" noise, rotate ,crop", noise=0.25, rotate=1.0).check()
    assert recipe.operations == ("noise", "rotate", "crop")
    assert [recipe.probability(name) for name in recipe.operations] == [0.25, 1.0, 1.0]
    assert Recipe(color_prob=0.3).probability("color") == 0.3


@pytest.mark.parametrize(
    ("augment", "changes", "words"),
    [
        ("crop,colour", {}, ["'colour'", "did you mean color"]),
        ("auto,crop", {}, ["'auto'"]),
        ("crop,", {}, ["''", "crop, flip, vflip"]),
        ("crop,zzz", {}, ["'zzz'", "crop, flip, vflip"]),
        ("flip,crop,flip", {}, ["flip twice"]),
        ("crop,sobel", {}, ["sobel", "--sobel is 0", "give --sobel 0.5"]),
        ("crop,color", {"color_prob": 0.0}, ["--color-prob is 0", "give --color-prob 0.5"]),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_what_to_type(augment, changes, words):
    with pytest.raises(RecipeError) as caught:
        Recipe(augment=augment, **changes).check()
    for word in words:
        assert word in f"{caught.value.message} — {caught.value.hint}"


def test_width_is_for_the_encoders_written_here():
    with pytest.raises(RecipeError, match="--width scales resnet18"):
        Recipe(encoder="vgg16", width=0.5).check()
    Recipe(encoder="vgg16").check()
    Recipe(encoder="resnet152", width=0.5).check()


@pytest.mark.parametrize(("grow_from", "image_size"), [(4, 32), (40, 32), (7, 8)])
def test_views_grow_from_a_side_that_can_be_to_the_full_one(grow_from, image_size):
    with pytest.raises(RecipeError, match=f"--grow-from between 8 and {image_size}"):
        Recipe(grow_from=grow_from, image_size=image_size).check()
    Recipe(grow_from=8, image_size=image_size).check()


def test_views_may_stop_growing_below_the_side_of_the_images_and_never_above_it():
    recipe = Recipe(grow_from=12, grow_to=24, image_size=32)
    recipe.check()
    assert (recipe.grown_side, Recipe(grow_from=12).grown_side) == (24, 32)
    with pytest.raises(RecipeError, match="--grow-from between 8 and 24"):
        Recipe(grow_from=28, grow_to=24).check()
    with pytest.raises(RecipeError, match="--grow-to at most 32, or a larger --image-size"):
        Recipe(grow_from=12, grow_to=40).check()
    with pytest.raises(RecipeError, match="give --grow-from too"):
        Recipe(grow_to=24).check()


def test_views_do_not_grow_for_an_encoder_that_may_want_one_side():
    with pytest.raises(RecipeError, match="give --grow-from 0"):
        Recipe(encoder="vit_b_16", image_size=224, grow_from=112).check()


def test_what_is_compiled_or_captured_is_one_process():
    with pytest.raises(RecipeError, match="give --no-compile, or --gpus 1"):
        Recipe(compile=True, gpus="2").check()
    with pytest.raises(RecipeError, match="give --no-compile --no-capture, or --gpus 1"):
        Recipe(compile=True, capture=True, gpus="2").check()
    Recipe(compile=True).check()


def test_processes_share_a_batch_evenly():
    with pytest.raises(RecipeError, match="give --bs 255"):
        Recipe(batch_size=256, gpus="3").check()
    with pytest.raises(RecipeError, match="give --bs 32"):
        Recipe(batch_size=8, gpus="16").check()
    Recipe(batch_size=256, gpus="4").check()
    Recipe(batch_size=256, gpus="all").check()


def test_a_pass_holds_whole_batches_only():
    assert Recipe(batch_size=512).steps_per_epoch(50_000) == 97
    assert Recipe(batch_size=512).steps_per_epoch(511) == 0


def test_a_recipe_cannot_be_changed():
    with pytest.raises(AttributeError):
        Recipe().lr = 1.0  # type: ignore[misc]


def test_values_differ_as_far_as_they_are_known():
    assert differ((256, 512, 256))
    assert differ((None, True, False))
    assert not differ((0.1, 0.1))
    assert not differ((None, 0.1, None))
    assert not differ((None, None))


def test_short_values_hold_every_field():
    assert list(short_values(Recipe())) == [item.short for item in fields()]
    assert short_values(Recipe(temperature=0.1))["temp"] == 0.1
