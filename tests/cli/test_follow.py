"""What is told of a run that is followed, beside its progress."""

from __future__ import annotations

import pytest

from simclr_tui.cli.follow import follow
from simclr_tui.store.data_facts import DataFacts, write_data_facts
from tests.run_factory import make_run

GREY = {"channels": 1, "channel_names": ["grey"], "levels": 65535}


def followed(run, capsys, **facts) -> list[str]:
    write_data_facts(run.path, DataFacts(fingerprint="f", data="folder:x", images=42, test_images=6, **facts))
    assert follow(run) == 0
    return capsys.readouterr().err.splitlines()


def test_range_and_channels_are_told_and_what_they_warn_of(tmp_path, capsys):
    said = followed(
        make_run(tmp_path),
        capsys,
        low=[100.0],
        high=[250.0],
        range_reason="lowest and highest value of 42 images",
        notes=["transparency is laid over white"],
        warnings=["only 16 of 65,536 levels are used"],
        **GREY,
    )
    assert said[:3] == [
        "1 channel (grey), kept in 16 bits: values from 100 to 250 (lowest and highest value of 42 images)",
        "transparency is laid over white",
        "warning: only 16 of 65,536 levels are used",
    ]


@pytest.mark.parametrize("recipe", [{"data": "npz:a.npz"}, {"data": "folder:x", "tile": "8"}])
def test_classes_splits_and_what_is_left_out_are_told_where_only_the_trainer_knew(tmp_path, capsys, recipe):
    found = {"layout": ["2 classes: cat, dog", "tested on x_test"], "left_out": ["left out: 3 arrays"]}
    said = followed(make_run(tmp_path, flags=recipe), capsys, validation_images=5, **found)
    assert said[:4] == ["42 images to train on, 5 to validate on, 6 to test on", *found["layout"], *found["left_out"]]


@pytest.mark.parametrize("data", ["folder:x", "csv:a.csv", "shapes"])
def test_what_was_told_before_the_start_is_not_told_again(tmp_path, capsys, data):
    said = followed(make_run(tmp_path, flags={"data": data}), capsys, layout=["2 classes: cat, dog"])
    assert not any("classes" in line or "to train on" in line for line in said)


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_images_that_everyone_expects_are_not_worth_a_line(tmp_path, capsys, state):
    run = make_run(tmp_path, state=state, exit_code=0)
    assert not any("channel" in line for line in followed(run, capsys, range_reason="8 bits, kept as they are"))
