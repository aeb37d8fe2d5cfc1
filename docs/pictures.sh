#!/usr/bin/env bash
# Draws the README's pictures from the dashboard itself, over the runs of the store given (default: runs).
# Needs two finished runs, run1 and run2: simclr run --temp 0.5; simclr run --temp 0.1
set -euo pipefail
cd "$(dirname "$0")/.."
store=${1:-runs}
simclr tui --runs "$store" --snapshot docs/dashboard.svg --size 120x36
simclr tui --runs "$store" --snapshot docs/compare.svg --size 120x36 --screen compare
