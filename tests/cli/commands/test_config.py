"""`simclr config`, and what the other commands take from it; `ls` in groups and with chosen columns."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.run_factory import make_run, metric_line, write_metrics


@pytest.fixture
def simclr(tmp_path):
    """Run a command with a configuration and a working folder of its own."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if key != "SIMCLR_RUNS"}
        environment |= {"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "COLUMNS": "160"}
        command = [sys.executable, "-m", "simclr_tui.cli.main", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)

    return run


def test_a_value_is_set_shown_and_taken_back(simclr):
    assert simclr("config", "set", "bell", "on").returncode == 0
    assert simclr("config", "get", "bell").stdout == "true\n"
    assert json.loads(simclr("config", "ls", "--json").stdout)["bell"] is True
    assert "Whether to ring" in simclr("config", "ls").stdout
    assert simclr("config", "unset", "bell").returncode == 0
    assert simclr("config", "get", "bell").stdout == "false\n"
    done = simclr("config", "get", "blel")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean bell?" in done.stderr


def test_words_with_dashes_are_kept_for_the_command(simclr):
    assert simclr("config", "set", "notify", "notify-send", "-u", "critical", "{message}").returncode == 0
    assert simclr("config", "get", "notify").stdout.strip() == "notify-send -u critical '{message}'"


def test_the_run_store_of_the_configuration_is_used_unless_another_is_named(simclr, tmp_path):
    make_run(tmp_path / "kept", "kept1")
    make_run(tmp_path / "other", "other1")
    simclr("config", "set", "runs", str(tmp_path / "kept"))
    assert "kept1" in simclr("ls").stdout
    assert "other1" in simclr("ls", "--runs", "other").stdout
    (tmp_path / "xdg/simclr-tui/config.toml").write_text("runs = 3")
    done = simclr("ls")
    assert (done.returncode, done.stdout) == (2, "")
    assert "runs" in done.stderr
    assert "Traceback" not in done.stderr


def test_ls_groups_with_mean_and_deviation_and_shows_chosen_columns(simclr, tmp_path):
    for number, (temp, knn) in enumerate([(0.5, 0.2), (0.1, 0.9), (0.5, 0.4)], start=1):
        make_run(
            tmp_path / "runs", f"run{number}", {"temp": temp, "seed": number}, created=number, summary={"knn": knn}
        )
    grouped = {group["value"]: group for group in json.loads(simclr("ls", "--group", "temp", "--json").stdout)}
    assert grouped[0.5]["runs"] == ["run1", "run3"]
    assert grouped[0.5]["averaged"] == ["run1", "run3"]
    half = 12.706205 * 0.1
    wanted = {"mean": pytest.approx(0.3), "std": pytest.approx(0.1414, abs=1e-4), "n": 2}
    assert grouped[0.5]["knn"] == wanted | {"interval": [pytest.approx(0.3 - half), pytest.approx(0.3 + half)]}
    assert grouped[0.1]["knn"]["std"] is None
    assert "30.0 ± 14.1%" in simclr("ls", "-g", "temp").stdout
    lines = simclr("ls", "--columns", "lr,temp", "--sort", "-temp").stdout.splitlines()
    assert lines[0].split() == ["run", "state", "lr", "temp"]
    assert [line.split()[0] for line in lines[1:]] == ["run1", "run3", "run2"]
    assert "did you mean temp" in simclr("ls", "--columns", "tmp").stderr


def test_compare_tells_runs_that_differ_in_seed_alone_as_one(simclr, tmp_path):
    for number in (1, 2):
        run = make_run(tmp_path / "runs", f"run{number}", {"seed": number})
        write_metrics(run.paths, 1, [metric_line(step, images_per_s=100.0 * number) for step in (1, 2)])
    shown = simclr("compare", "run1", "run2").stdout
    assert "run1, run2 (2 seeds)" in shown
    assert "150 ± 71" in shown


def test_only_its_owner_reads_the_file(simclr, tmp_path):
    simclr("config", "set", "bell", "on")
    file = tmp_path / "xdg/simclr-tui/config.toml"
    file.chmod(0o644)
    assert simclr("config", "set", "webhook", "https://example.org/secret").returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_theme_that_does_not_exist_is_refused(simclr):
    done = simclr("config", "set", "theme", "drakula")
    assert done.returncode == 2
    assert "did you mean dracula?" in done.stderr
    assert simclr("config", "set", "theme", "dracula").returncode == 0


def test_an_account_without_a_home_folder_can_look_and_is_told_what_to_set(tmp_path):
    code = (
        "import pwd, sys\n"
        "def nobody(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "from simclr_tui.cli.main import main\n"
        "main()"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CONFIG_HOME")}
    for words, exit_code in (["ls"], 0), (["config", "ls"], 0), (["config", "set", "bell", "on"], 5):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, env=environment, check=False,
            cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == exit_code, done.stderr
        assert "Traceback" not in done.stderr
    assert "set HOME" in done.stderr
