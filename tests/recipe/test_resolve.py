"""Default < preset < file < flag, with the story of each value; recipe.toml there and back."""

from __future__ import annotations

import math
import tomllib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simclr_tui.errors import RecipeError
from simclr_tui.recipe.fields import Field, fields
from simclr_tui.recipe.formats import FORMAT
from simclr_tui.recipe.presets import presets
from simclr_tui.recipe.recipe import NATIVE_ENCODERS, OPERATIONS, Recipe
from simclr_tui.recipe.resolve import Resolved, flag_words, from_toml, resolve, to_toml

NAMES = st.from_regex(r"[a-z][a-z0-9_.]{0,20}", fullmatch=True)
TEXTS: dict[str, st.SearchStrategy[str]] = {
    "augment": st.just("auto") | st.lists(st.sampled_from(OPERATIONS), min_size=1, unique=True).map(",".join),
    "encoder": st.sampled_from(NATIVE_ENCODERS) | NAMES | NAMES.map("timm:{}".format),
    "micro_batch": st.sampled_from(["off", "auto"]) | st.integers(1, 10**7 - 1).map(str),
    "device": st.sampled_from(["auto", "cpu", "cuda"]) | st.integers(0, 999).map("cuda:{}".format),
    "range": st.sampled_from(["auto", "image", "0.1", "p1:p99.5", "-1000:2000", "0:1e4"]),
    "channels": st.just("auto") | st.lists(st.integers(1, 9999), min_size=1).map(lambda n: ",".join(map(str, n))),
    "tile": st.just("off") | st.sampled_from(["256", "512:128"]),
    "init": st.sampled_from(["", "run7", "/weights of ours.pt", "timm:resnet10t"]),
    "gpus": st.just("all") | st.integers(1, 9999).map(str),
}


def values_of(item: Field) -> st.SearchStrategy[object]:
    """Every value the field accepts."""
    about = next(part for part in msgspec.inspect.type_info(Recipe).fields if part.name == item.key).type.type
    if item.choices:
        return st.sampled_from(item.choices)
    if item.type is bool:
        return st.booleans()
    if item.key in TEXTS:
        return TEXTS[item.key]
    if item.type is str:
        return st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    low = about.ge if about.ge is not None else about.gt
    high = about.le if about.le is not None else about.lt
    if item.type is int:
        return st.integers(low, high)
    return st.floats(low, high, exclude_min=about.ge is None, exclude_max=about.le is None)


RECIPES = st.fixed_dictionaries({item.key: values_of(item) for item in fields()}).map(lambda given: Recipe(**given))


def parsed(words: list[str], base: Recipe) -> Recipe:
    """What a command line of such flags makes of `base`."""
    by_flag = {flag: item for item in fields() for flag in item.flag.split("/")}
    values: dict[str, object] = {}
    rest = iter(words)
    for word in rest:
        item = by_flag[word]
        values[item.key] = not word.startswith("--no-") if item.type is bool else item.parse(next(rest))
    return msgspec.structs.replace(base, **values)


def as_flags(recipe: Recipe, base: Recipe) -> list[str]:
    """The flags for the fields in which a recipe differs from another."""
    values = {item.key: getattr(recipe, item.key) for item in fields()}
    return flag_words({key: value for key, value in values.items() if value != getattr(base, key)})


@settings(max_examples=300, deadline=None)
@given(RECIPES, RECIPES)
def test_as_flags_turns_one_recipe_into_the_other(recipe, base):
    wanted = msgspec.structs.replace(recipe, data="folder:/images")  # text is parsed without its outer spaces
    assert parsed(as_flags(wanted, base), base) == wanted


def test_as_flags_are_short_where_they_can_be():
    changed = Recipe(temperature=0.1, lr=3e-4, epochs=1000, head_bn=False, weight_decay=1e-6, warmup=10.0)
    assert as_flags(changed, Recipe()) == [
        "--no-head-bn", "--temp", "0.1", "--epochs", "1000", "--lr", "0.0003", "--warmup", "10",
    ]  # fmt: skip
    assert as_flags(changed, changed) == []
    assert as_flags(Recipe(lr=1 / 3), Recipe()) == ["--lr", "0.3333333333333333"]


@settings(max_examples=300, deadline=None)
@given(RECIPES, st.text(st.characters(exclude_categories=["Cs"])))
def test_recipe_toml_there_and_back(recipe, source):
    resolved = Resolved(recipe=recipe, preset="quick", sources={item.key: source for item in fields()})
    assert from_toml(to_toml(resolved)) == resolved


def test_every_preset_loads_checks_and_has_a_title():
    assert {"quick", "cpu-fast", "cifar10-sgd", "paper-cifar10", "paper-imagenet", "report"} <= presets().keys()
    for name, title in presets().items():
        resolved = resolve(name)
        assert resolved.recipe.check() == resolved.recipe
        assert resolved.preset == name
        assert 10 < len(title) < 100
        assert not title.startswith("#")


def test_the_authors_readme_is_a_preset_with_its_flags_and_their_codes_defaults():
    recipe = resolve("google-cifar10").recipe
    assert recipe.peak_lr == 1.0 * 512 / 256
    assert (recipe.optimizer, recipe.momentum, recipe.weight_decay, recipe.warmup) == ("lars", 0.9, 1e-4, 10.0)
    assert (recipe.encoder, recipe.cifar_stem, recipe.image_size, recipe.epochs) == ("resnet18", True, 32, 1000)
    assert (recipe.head, recipe.head_hidden, recipe.head_dim, recipe.head_bn) == ("mlp3", 0, 128, True)
    assert (recipe.temperature, recipe.color_strength, recipe.operations) == (
        0.5, 0.5, ("crop", "flip", "color", "gray"),
    )  # fmt: skip


def test_later_layers_win_and_each_value_tells_where_it_is_from(tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text("epochs = 7\ntemp = 0.2\nhead-dim = 32\n")
    resolved = resolve("quick", config, {"temp": 0.3, "seed": 5})
    recipe, sources = resolved.recipe, resolved.sources
    assert (recipe.width, sources["width"]) == (0.25, "preset quick")
    assert (recipe.epochs, sources["epochs"]) == (7, f"file {config}")
    assert (recipe.head_dim, sources["head_dim"]) == (32, f"file {config}")
    assert (recipe.temperature, sources["temperature"]) == (0.3, "flag")
    assert (recipe.seed, sources["seed"]) == (5, "flag")
    assert (recipe.flip, sources["flip"]) == (0.5, "default")
    assert sources.keys() == {item.key for item in fields()}


def test_a_chosen_value_tells_why():
    resolved = resolve("quick", flags={"seed": 1}, flag_source="sweep")
    chosen = resolved.with_value("data", "shapes", "auto: nothing else is here")
    assert chosen.recipe.data == "shapes"
    assert chosen.sources["data"] == "auto: nothing else is here"
    assert chosen.sources["seed"] == "sweep"
    assert resolved.recipe.data == "auto"


def test_a_runs_own_recipe_can_be_the_file(tmp_path):
    path = tmp_path / "recipe.toml"
    first = resolve("report", flags={"seed": 9})
    path.write_text(to_toml(first))
    assert resolve("quick", path).recipe == first.recipe


@pytest.mark.parametrize(
    ("preset", "hint"), [("quik", "did you mean quick"), ("zzz", "presets are"), ("../quick", "quick"), ("", "presets")]
)
def test_an_unknown_preset_is_refused_with_a_hint(preset, hint):
    with pytest.raises(RecipeError, match=hint):
        resolve(preset)


@pytest.mark.parametrize(
    "content",
    [
        b"epochs = ", b"\xff\xfe", b"a" * 10, b"epochs = 0", b"epochs = 1.5", b'epochs = "7"', b"temp = nan",
        b"warmup = inf", b"head_bn = 1", b"what = 1", b'recipe = "x"', b"a = " + b"[" * 2000, b"epochs = true",
        b"[recipe]\nwhat = 1", b"epochs = 7\nepochs = 8", b"warmup = 30.0",
    ],
)  # fmt: skip
def test_a_file_that_is_no_recipe_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        resolve("quick", path)
    assert caught.value.hint


def test_a_file_that_is_missing_a_folder_or_impossible_is_refused(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path, tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(RecipeError, match="cannot read the recipe"):
            resolve("quick", path)


def test_an_unknown_flag_is_refused_with_the_nearest_name():
    with pytest.raises(RecipeError, match="did you mean temperature"):
        resolve("quick", flags={"temprature": 0.1})


def test_flags_that_contradict_each_other_are_refused():
    with pytest.raises(RecipeError, match="warm-up"):
        resolve("quick", flags={"epochs": 2, "warmup": 5.0})


def test_a_field_that_the_recipe_does_not_have_is_refused_and_other_tables_are_not_read():
    text = to_toml(resolve("quick", flags={"seed": 3}))
    assert from_toml(text + '[later]\nzoom = "flag"\n').recipe == from_toml(text).recipe
    with pytest.raises(RecipeError, match=r"damaged: .*no field 'zoom'"):
        from_toml(text.replace("[recipe]", "[recipe]\nzoom = 2.0"))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_recipe_toml_is_read_or_refused_never_a_crash(data):
    text = to_toml(resolve("quick"))
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 60))
    damage = data.draw(
        st.one_of(st.text(max_size=20), st.sampled_from(["[[[", "\0", "= nan", "inf", "[recipe]", "1e999"]))
    )
    damaged = text[:start] + damage + text[start + length :]
    try:
        recipe = from_toml(damaged).recipe
    except RecipeError:
        return
    assert isinstance(recipe, Recipe)
    assert all(math.isfinite(getattr(recipe, item.key)) for item in fields() if item.type is float)


@pytest.mark.parametrize("text", ["", "recipe = 3", "recipe = []", "[recipe]\nlr = nan", "[recipe]\nencoder = 'ViT'"])
def test_what_is_no_recipe_toml_is_refused(text):
    with pytest.raises(RecipeError, match="damaged"):
        from_toml(text)


def test_recipe_toml_is_for_people_too():
    loaded = tomllib.loads(to_toml(resolve("quick", flags={"seed": 3})))
    assert (loaded["format"], loaded["preset"]) == (FORMAT, "quick")
    assert list(loaded["recipe"]) == [item.key for item in fields()]
    assert loaded["source"]["seed"] == "flag"


def test_a_computed_value_is_trained_with_as_given_and_shown_in_its_shortest_form():
    resolved = resolve("quick", flags={"temperature": 0.1 + 0.05})
    assert resolved.recipe.temperature == 0.1 + 0.05, "what a run trains with is not rewritten"
    assert resolved.known_values()["temp"] == 0.15
