#!/usr/bin/env bash
# Draws the README's pictures from the dashboard itself, over a store with two finished runs (default: runs):
#   for temp in 0.5 0.1; do simclr run --data shapes --temp $temp --epochs 4 --subset 4000; done; docs/pictures.sh
set -euo pipefail
store=$(cd "${1:-runs}" && pwd)
cd "$(dirname "$0")"
# The pictures show ~/project/runs, not a path of the machine they were drawn on.
export HOME=${store%/*/*}
simclr tui --runs "$store" --snapshot dashboard.svg --size 120x36 --keys space,down,space
simclr tui --runs "$store" --snapshot compare.svg --size 120x36 --screen compare
