"""The loop as a whole: it learns, it resumes to the bit, it stops when asked, and it never keeps a NaN."""

from __future__ import annotations

import math

import msgspec
import pytest
import torch

from simclr_tui.errors import ExitCode
from simclr_tui.recipe.resolve import to_toml
from simclr_tui.store.state import write_state
from simclr_tui.train import loop
from simclr_tui.train.attempt import run_attempt
from simclr_tui.train.observe.reporter import Reporter
from simclr_tui.train.stop_flag import StopFlag
from tests.training import STEPS, assert_same, metric_table, tensors, tiny_plan, tiny_run


class StopAfter(StopFlag):
    """Asks to stop when a number of looks have been taken; a look is one step, or one chunk of an evaluation."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    @property
    def requested(self) -> bool:
        self.left -= 1
        return self.left < 0


def train(run, stop=None):
    return run_attempt(run.paths, Reporter(run.paths), stop or StopFlag())


def next_attempt(run):
    state = run.status
    run.paths.attempt(state.attempt + 1).root.mkdir()
    write_state(run.paths, msgspec.structs.replace(state, state="starting", attempt=state.attempt + 1))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("SIMCLR_OFFLINE", "1")
    run = tiny_run(tmp_path_factory.mktemp("store"))
    assert train(run) == ExitCode.OK
    patch.undo()
    return run


def test_a_run_logs_every_step_and_every_evaluation_once(finished):
    assert finished.state == "finished"
    for metric in ("loss", "lr", "contrastive_top1", "images_per_s", "data_wait", "grad_norm"):
        assert finished.metric(metric).steps == list(range(1, STEPS + 1)), metric
    assert finished.metric("knn").steps == [0, 6, 12, 18]
    assert all(0 <= value <= 1 for value in finished.metric("knn").values)
    assert all(0 <= value <= 1 for value in finished.metric("data_wait").values)
    history = finished.history()
    assert history.epoch[-1] == pytest.approx(3.0)


def test_what_was_changed_between_two_attempts_is_said(tmp_path, monkeypatch):
    run = tiny_run(tmp_path, epochs=2)
    assert train(run, StopAfter(12)) == ExitCode.STOPPED
    saved = run.checkpoints[0].step
    changed = run.resolved.with_value("lr", 0.25, "file").with_value("epochs", 3, "file")
    run.paths.recipe.write_text(to_toml(changed))
    monkeypatch.setattr(torch, "__version__", "99.0")
    next_attempt(run)
    assert train(run) == ExitCode.OK
    warned = [event.message for event in run.events if event.event == "warning"]
    said = [message for message in warned if "since step" in message or "until step" in message]
    assert len(said) == 2, said
    assert f"recipe.toml was changed since step {saved} (" in said[0]
    assert "epochs 2, now 3; lr" in said[0]
    assert ", now 0.25)" in said[0]
    assert said[0].endswith("training goes on with what it says now")
    assert said[1].startswith("trained with torch 2.")
    assert said[1].endswith(f" until step {saved}, and with 99.0 from here on")


def test_the_loss_starts_near_chance_and_falls(finished):
    losses = finished.metric("loss").values
    assert losses[0] == pytest.approx(math.log(2 * 16 - 1), abs=0.8)
    assert sum(losses[-3:]) < sum(losses[:3])


def test_the_rate_follows_the_published_schedule(finished):
    recipe, rates = finished.recipe, finished.metric("lr").values
    warmup = round(recipe.warmup * 6)
    for step, rate in enumerate(rates):
        if step < warmup:
            expected = recipe.peak_lr * step / warmup
        else:
            expected = recipe.peak_lr / 2 * (1 + math.cos(math.pi * (step - warmup) / (STEPS - warmup)))
        assert rate == pytest.approx(expected, rel=1e-12)


def test_the_newest_two_checkpoints_are_kept_whole(finished):
    assert [manifest.step for manifest in finished.checkpoints] == [18, 12]
    assert tensors(finished)[".step"] == 18


@pytest.mark.parametrize("looks", [2, 4, 7, 11])
def test_a_run_stopped_anywhere_and_resumed_equals_one_that_never_stopped(finished, tmp_path, looks):
    run = tiny_run(tmp_path)
    assert train(run, StopAfter(looks)) == ExitCode.STOPPED
    assert run.state == "stopped"
    next_attempt(run)
    assert train(run) == ExitCode.OK
    assert_same(run, finished)


def test_a_run_stopped_before_its_first_step_leaves_no_checkpoint_and_starts_over(tmp_path, finished):
    run = tiny_run(tmp_path)
    assert train(run, StopAfter(0)) == ExitCode.STOPPED
    assert run.checkpoints == []
    next_attempt(run)
    assert train(run) == ExitCode.OK
    assert_same(run, finished)


def test_the_seed_decides_everything(finished, tmp_path):
    run = tiny_run(tmp_path, seed=1)
    assert train(run) == ExitCode.OK
    assert metric_table(run)["loss"] != metric_table(finished)["loss"]


@pytest.mark.parametrize(
    "flags",
    [{"optimizer": name, "lr": 1e-3, "lr_scaling": "none"} for name in ("lars", "adam", "adamw")]
    + [{"grow_from": 8}, {"grow_from": 8, "grow_to": 8}],
    ids=["lars", "adam", "adamw", "growing", "small"],
)
def test_other_optimisers_and_growing_views_resume_to_the_bit_too(tmp_path, flags):
    flags = {"epochs": 1} | flags
    whole, halted = tiny_run(tmp_path / "whole", **flags), tiny_run(tmp_path / "halted", **flags)
    assert train(whole) == ExitCode.OK
    assert train(halted, StopAfter(6)) == ExitCode.STOPPED
    next_attempt(halted)
    assert train(halted) == ExitCode.OK
    assert_same(halted, whole)


def test_views_stop_growing_where_they_are_told_to(tmp_path, monkeypatch):
    sides, draw = [], loop.draw_inputs
    monkeypatch.setattr(
        loop, "draw_inputs", lambda *images, side, **more: sides.append(side) or draw(*images, side=side, **more)
    )
    run = tiny_run(tmp_path, grow_from=8, grow_to=12, epochs=1)
    assert train(run) == ExitCode.OK
    assert (set(sides), sides[-1]) == ({8, 12}, 12)


def test_a_rate_that_explodes_is_caught_before_it_reaches_weights_or_checkpoints(tmp_path):
    run = tiny_run(tmp_path, lr=1e6, warmup=0.0, head_bn=False, epochs=30)
    assert train(run) == ExitCode.DIVERGED
    status = run.status
    assert status.state == "failed"
    assert "diverged" in status.flags
    assert "is not finite at step" in status.reason
    assert "--lr" in status.reason
    for manifest in run.checkpoints:
        assert manifest.step < status.step + 1
    if run.checkpoints:
        import torch

        assert all(
            bool(torch.isfinite(value).all())
            for name, value in tensors(run).items()
            if isinstance(value, torch.Tensor) and value.is_floating_point() and "running" not in name
        )


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_is_used(finished, tmp_path):
    run = tiny_run(tmp_path)
    assert train(run, StopAfter(16)) == ExitCode.STOPPED
    newest = run.paths.checkpoint(run.checkpoints[0].step)
    assert len(run.checkpoints) == 2
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    next_attempt(run)
    assert train(run) == ExitCode.OK
    assert any(event.event == "warning" and newest.name in event.message for event in run.events)
    assert_same(run, finished)


def test_when_every_checkpoint_is_damaged_the_run_fails_instead_of_starting_over(tmp_path):
    run = tiny_run(tmp_path)
    assert train(run, StopAfter(16)) == ExitCode.STOPPED
    for manifest in run.checkpoints:
        run.paths.checkpoint(manifest.step).write_bytes(b"")
    next_attempt(run)
    assert train(run) == ExitCode.CHECKPOINT
    assert run.state == "failed"
    assert "0 bytes" in run.status.reason


def test_a_save_killed_before_its_first_manifest_does_not_block_the_run(finished, tmp_path):
    run = tiny_run(tmp_path)
    run.paths.checkpoint(6).write_bytes(b"half of a checkpoint")
    assert train(run) == ExitCode.OK
    assert_same(run, finished)
    assert not run.paths.checkpoint(6).exists()


def test_a_hostile_checkpoint_is_never_unpickled(tmp_path):
    import pickle

    from simclr_tui.store import checkpoints

    run = tiny_run(tmp_path)
    witness = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return (witness.write_text, ("yes",))

    checkpoints.save(run.paths, pickle.dumps(Payload()), step=6, epoch=1.0, recipe="", wall=0.0, version="0")
    assert train(run) == ExitCode.CHECKPOINT
    assert not witness.exists()


def test_a_batch_larger_than_the_images_found_at_run_time_is_a_sentence(tmp_path):
    run = tiny_run(tmp_path)
    shrunk = tiny_plan(subset=16).resolved.with_value("subset", 8, "test")
    run.paths.recipe.write_text(to_toml(shrunk))
    assert train(run) == ExitCode.DATA
    assert "does not fit into 8 training images" in run.status.reason


def test_load_encoder_gives_h_in_eval_mode(finished):
    import torch

    import simclr_tui

    encoder = simclr_tui.load_encoder(finished.path)
    assert not encoder.training
    images = torch.rand(3, 3, 16, 16)
    with torch.no_grad():
        h = encoder(images)
        assert h.shape == (3, 64)
        assert torch.allclose(encoder(images[:1]), h[:1], atol=1e-6)
