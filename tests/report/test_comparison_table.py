"""The table of a comparison, as papers take it."""

from __future__ import annotations

from simclr_tui.report.comparison_table import as_latex


def test_a_latex_table_is_escaped_and_the_best_is_bold():
    lines = as_latex(
        ["", "run_a", "b&c"], [["knn", "50.0% *", "40 ± 1%"], ["state", "✓ finished", "✗ failed"]]
    ).splitlines()
    assert lines[0] == r"\begin{tabular}{lrr}"
    assert lines[2] == r" & run\_a & b\&c \\"
    assert lines[4] == r"knn & \textbf{50.0\%} & 40 $\pm$ 1\% \\"
    assert lines[5] == r"state & finished & failed \\"
    assert lines[-1] == r"\end{tabular}"
