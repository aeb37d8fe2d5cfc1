#!/usr/bin/env bash
# Draws the README's pictures from the dashboard itself, over a copy of the runs in docs/example (or in another store).
# Takes seconds; docs/example.sh trains the runs.
set -euo pipefail
docs=$(cd "$(dirname "$0")" && pwd)
# The pictures show ~/project/runs, not a path of the machine they were drawn on.
HOME=$(mktemp -d)
export HOME
trap 'rm -rf "$HOME"' EXIT
mkdir "$HOME/project"
cp -r "${1:-$docs/example}" "$HOME/project/runs"
draw() { simclr tui --runs "$HOME/project/runs" --snapshot "$docs/$1.svg" --size 120x36 "${@:2}"; }
draw dashboard --keys o,enter,home,space,down,down,space
draw compare --keys o,enter,home,space,down,down,space,equals_sign
