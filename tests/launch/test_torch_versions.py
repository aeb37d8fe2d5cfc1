from __future__ import annotations

import importlib.metadata

import pytest

from simclr_tui.doctor import examine
from simclr_tui.errors import RecipeError
from simclr_tui.launch.plan import make_plan
from simclr_tui.launch.torch_versions import forget_installed, torch_version_problem


@pytest.fixture
def reads_anew():
    """Versions are read in the test, and again after it."""
    forget_installed()
    yield
    forget_installed()


@pytest.mark.parametrize(
    ("torch", "torchvision"),
    [
        ("2.10.0", "0.25.0"),
        ("2.11.0+cu128", "0.26.0+cu128"),
        ("2.13.0+cpu", "0.28.0"),
        ("2.14.1", "0.29.0"),
        ("2.15.0", "0.29.2"),
        ("2.16.0", "0.30.0"),
        ("3.0.0", "1.0"),
        ("git-1234", "0.28.0"),
    ],
)
def test_pairs_that_were_released_together_fit(torch, torchvision):
    assert torch_version_problem(torch, torchvision) is None


@pytest.mark.parametrize(
    ("torch", "torchvision", "said", "command"),
    [
        ("2.13.0", "0.27.1", "torchvision 0.27.1 does not fit torch 2.13.0", "pip install 'torchvision==0.28.*'"),
        ("2.11.0", "0.29.0", "does not fit", "pip install 'torchvision==0.26.*'"),
        ("2.15.0", "0.28.0", "does not fit", "pip install 'torchvision>=0.29'"),
        ("2.9.1", "0.24.1", "older than 2.10", "pip install -U torch torchvision"),
        (None, "0.28.0", "torch is not installed", "pip install torch torchvision"),
        ("2.13.0", None, "torchvision is not installed", "pip install 'torchvision==0.28.*'"),
    ],
)
def test_a_pair_that_does_not_fit_is_said_with_the_command_that_mends_it(torch, torchvision, said, command):
    problem, remedy = torch_version_problem(torch, torchvision)
    assert said in problem
    assert remedy.startswith("run: ")
    assert remedy.endswith(command)


@pytest.mark.usefixtures("reads_anew")
def test_launch_and_doctor_say_it(monkeypatch, tmp_path):
    installed = importlib.metadata.version
    monkeypatch.setattr(
        importlib.metadata, "version", lambda name: "0.1.0" if name == "torchvision" else installed(name)
    )
    with pytest.raises(RecipeError, match=r"torchvision 0.1.0 does not fit torch .*pip install"):
        make_plan("quick")
    finding = next(found for found in examine(tmp_path) if found.subject == "torch")
    assert finding.verdict == "bad"
    assert "torchvision 0.1.0 does not fit torch" in finding.finding
