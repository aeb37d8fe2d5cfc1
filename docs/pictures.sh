#!/usr/bin/env bash
# Draws the pictures of the README and the docs from the dashboard itself, over a copy of the runs in docs/example, on a
# dark and on a light ground:
#   docs/pictures.sh [STORE [FOLDER]]    (the runs, and where the pictures go)
# Takes seconds; docs/example.sh trains the runs, and scripts/record.py records a run from its start to the verdict.
set -euo pipefail
docs=$(cd "$(dirname "$0")" && pwd)
store=$(cd "${1:-$docs/example}" && pwd)
pictures=$(cd "${2:-$docs}" && pwd)
# The pictures show ~/project/runs, not a path of the machine they were drawn on, and no settings of its user.
HOME=$(mktemp -d)
export HOME XDG_CONFIG_HOME=$HOME/.config
trap 'rm -rf "$HOME"' EXIT
runs=$HOME/project/runs
mkdir "$HOME/project"
cp -r "$store" "$runs"
# A run is known to be lost on its own machine alone: let this one be it.
sed -i "s/\"host\":\"[^\"]*\"/\"host\":\"$(uname -n)\"/g" "$runs"/*/state.json
draw() { simclr tui --runs "$runs" --snapshot "$pictures/$1.svg" --size 120x36 "${@:2}"; }
draw dashboard --keys o,enter,home,space,down,down,space
draw compare --keys o,enter,home,space,down,down,space,equals_sign
simclr config set theme textual-light > "$HOME/told"
draw dashboard-light --keys o,enter,home,space,down,down,space
