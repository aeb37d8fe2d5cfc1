"""The form offers Slurm as `simclr run` does: where it is, with its options, by the same functions."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from textual.widgets import Input, Select

from simclr_tui.cli import options
from simclr_tui.launch.placement import JobOptions, slurm_is_here
from simclr_tui.launch.slurm.option_help import OPTION_HELP
from simclr_tui.recipe.presets import GPU_PRESET
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import read_job
from simclr_tui.tui.form.job_rows import JobRows
from simclr_tui.tui.form.planner import Entries, Planner
from tests.tui.driving import WIDE, dashboard, notices, press, screen_text, until
from tests.tui.form.test_new_run import open_form, planned
from tests.tui.runs_fabric import fabricate

SBATCH = '#!/bin/sh\ncat "$1" > {asked}\necho Submitted batch job 17\n'


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """A program of that name which takes every job; returns the file with what the last one asked for."""
    pytest.importorskip("submitit")
    asked, program = tmp_path / "asked", tmp_path / "bin" / "sbatch"
    program.parent.mkdir()
    program.write_text(SBATCH.format(asked=asked))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return asked


def options_seen(app):
    return [app.screen.query_one(f"#job-{name}", Input).parent.display for name in OPTION_HELP]


async def fill(app, pilot, **values):
    for name, value in values.items():
        app.screen.query_one(f"#job-{name}", Input).value = value
    await until(pilot, lambda: planned(app))


async def test_without_slurm_the_form_does_not_speak_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not slurm_is_here()
    async with dashboard(tmp_path / "runs", WIDE) as (app, pilot):
        await open_form(app, pilot)
        assert not app.screen.query(JobRows)
        assert "train on" not in screen_text(app)


async def test_a_clone_offers_what_simclr_clone_does(tmp_path, sbatch):
    fabricate(tmp_path / "runs", "run1", steps=20)
    async with dashboard(tmp_path / "runs", WIDE) as (app, pilot):
        await open_form(app, pilot, "c")
        app.screen.query_one("#job-on", Select).value = "slurm"
        app.screen.query_one("#tags", Input).value = "night"
        await fill(app, pilot, partition="night", time="2h")
        command = "simclr clone run1 --on slurm --partition night --time 2h --tag night"
        assert app.screen._planner.command(app.screen.entries()) == command
        await press(app, pilot, "ctrl+s")
        await until(pilot, lambda: app.screen is app.main, what="the job to be taken")
    run = Run(tmp_path / "runs" / "run2")
    assert (list(run.info.tags), read_job(run.paths).resources.minutes) == (["night"], 120)
    words = [sys.executable, "-m", "simclr_tui.cli.main", *command.split()[1:], "--runs", tmp_path / "runs"]
    typed = subprocess.run(words, capture_output=True, text=True)
    assert (typed.returncode, typed.stdout) == (0, "run3\n"), typed.stderr
    assert read_job(Run(tmp_path / "runs" / "run3").paths).resources.minutes == 120


async def test_a_job_is_submitted_with_what_was_typed(tmp_path, sbatch):
    async with dashboard(tmp_path / "runs", WIDE) as (app, pilot):
        await open_form(app, pilot)
        assert not any(options_seen(app))
        app.screen.query_one("#job-on", Select).value = "slurm"
        await until(pilot, lambda: all(options_seen(app)))
        await fill(app, pilot, partition="night", time="2h", cpus="3")
        command = "simclr run --on slurm --partition night --time 2h --cpus 3"
        assert app.screen._planner.command(app.screen.entries()) == command
        await press(app, pilot, "ctrl+s")
        await until(pilot, lambda: app.screen is app.main, what="the job to be taken")
    run = Run(tmp_path / "runs" / "run1")
    job = read_job(run.paths)
    assert (job.id, job.resources.partition, job.resources.minutes, job.resources.cpus) == ("17", "night", 120, 3)
    assert "--partition=night" in sbatch.read_text()
    assert list(run.info.command) == command.split()


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("time", "soon", "--time cannot be 'soon'"),
        ("cpus", "-1", "--cpus must be a whole number"),
        ("cpus", "1.5", "--cpus must be a whole number"),
        ("nodes", "²", "--nodes must be a whole number"),
        ("nodes", "2", "2 nodes cannot share --gpus 1 evenly"),
    ],
)
async def test_what_cannot_be_asked_for_is_said_before_anything_is_submitted(tmp_path, sbatch, name, typed, said):
    async with dashboard(tmp_path / "runs", WIDE) as (app, pilot):
        await open_form(app, pilot)
        app.screen.query_one("#job-on", Select).value = "slurm"
        await fill(app, pilot, **{name: typed})
        await until(pilot, lambda: said in str(app.screen.query_one("#plan").content))
        await press(app, pilot, "ctrl+s")
        await until(pilot, lambda: said in notices(app))
        app.screen.query_one("#job-on", Select).value = "here"
        await until(pilot, lambda: planned(app) and not app.screen.problem())
        assert app.screen.entries().job == JobOptions()
    assert not sbatch.exists()


async def test_a_job_does_not_wait_in_the_queue_of_this_machine(tmp_path, sbatch):
    async with dashboard(tmp_path / "runs", WIDE) as (app, pilot):
        await open_form(app, pilot)
        app.screen.query_one("#job-on", Select).value = "slurm"
        await until(pilot, lambda: planned(app))
        await press(app, pilot, "ctrl+l")
        await until(pilot, lambda: "Slurm's own queue" in notices(app))
    assert not sbatch.exists()


def test_an_automatic_preset_follows_the_job_and_not_this_machine():
    entries = Entries(flags=(("gpus", "4"), ("data", "shapes")), on="slurm")
    assert Planner().plan(entries).resolved.preset == GPU_PRESET


def test_the_form_and_the_command_line_have_the_same_options():
    hints = {option: getattr(options, option.capitalize()).__metadata__[0].help for option in OPTION_HELP}
    assert hints == OPTION_HELP
    assert set(OPTION_HELP) == set(JobOptions.__struct_fields__)
