from __future__ import annotations

import pytest
import torch

from simclr_tui.train.compile_fallback import compiled_or_plain


def double(x):
    return 2 * x


def broken(_graph, _inputs):
    raise RuntimeError("no C compiler found")


def test_what_cannot_be_compiled_runs_as_it_is_and_says_so_once():
    reasons: list[str] = []
    call = compiled_or_plain(torch.compile(double, backend=broken), double, reasons.append)
    assert [call(torch.tensor(value)).item() for value in (1, 2)] == [2, 4]
    assert len(reasons) == 1
    assert "no C compiler found" in reasons[0]


def test_what_compiles_is_called_compiled():
    called = []

    def backend(graph, _inputs):
        return lambda *arguments: called.append(1) or graph(*arguments)

    call = compiled_or_plain(torch.compile(double, backend=backend), double, pytest.fail)
    assert call(torch.tensor(3)).item() == 6
    assert called


def test_an_error_of_the_computation_is_no_failure_to_compile():
    def compiled(_x):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        compiled_or_plain(compiled, double, pytest.fail)(torch.tensor(1))
