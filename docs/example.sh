#!/usr/bin/env bash
# Trains the runs of docs/example, the store from which the pictures are drawn, and keeps their figures alone:
#   docs/example.sh cifar10    (a folder with train/ and test/, each with one folder of images per class)
# They train on 3,000 images of CIFAR-10, on one core of a CPU: they are short, their figures and their ends are real.
# SIMCLR_EXAMPLE=DIR keeps what is trained in DIR and trains only what is not there yet.
set -euo pipefail
images=$(cd "$1" && pwd)
docs=$(cd "$(dirname "$0")" && pwd)
work=${SIMCLR_EXAMPLE:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi
mkdir -p "$work/images"
ln -sfn "$images" "$work/images/cifar10"
cd "$work"
export SIMCLR_RUNS=$work/runs
recipe=(--data folder:images/cifar10 --subset 3000 --width 0.125 --bs 128 --epochs 6 --threads 1)

train() { # NAME FLAGS…: to its end, whatever that is
  [ -d "runs/$1" ] || simclr run --name "$1" "${recipe[@]}" "${@:2}" || true
}
begin() { # NAME STEP FLAGS…: to step STEP
  simclr run -d --name "$1" "${recipe[@]}" "${@:3}"
  until grep -q "\"step\":$2," "runs/$1/attempt-0001/metrics.jsonl" 2> /dev/null; do sleep 1; done
}
shorten() { # NAME STEP FLAGS…: stopped after step STEP
  [ -d "runs/$1" ] || { begin "$@" && simclr stop "$1"; }
}

train baseline
train baseline-seed2 --seed 2
train temp0.1 --temp 0.1
train temp0.2 --temp 0.2
train temp1.0 --temp 1
train dcl-temp0.2 --objective dcl --temp 0.2
train lr-too-high --lr 1e6
shorten width0.25 60 --width 0.25
shorten no-head 92 --head none
shorten crop-only 119 --color 0 --gray 0 --flip 0 --note "the paper's figure 5: a crop alone"
if [ ! -d runs/adamw-lr1e-3 ]; then # A power cut: neither the trainer nor its supervisor can write a last word.
  begin adamw-lr1e-3 80 --optimizer adamw --lr 1e-3 --lr-scaling none
  grep -o '"pid":[0-9]*' runs/adamw-lr1e-3/state.json | cut -d: -f2 | sort -rn | xargs kill -9
fi
if [ ! -d runs/bs256-temp0.1 ]; then
  simclr queue pause
  simclr run --queue --name bs256-temp0.1 "${recipe[@]}" --bs 256 --temp 0.1
fi
[ -e runs/dcl-temp0.2/evaluations/linear.json ] || simclr eval dcl-temp0.2

rm -rf "$docs/example"
mkdir "$docs/example"
cd runs
# A path of the machine that trained is no part of a picture, and neither are more digits, or more of the samples of its
# hardware, than a picture can show.
find . \( -name '*.json' -o -name '*.toml' -o -name '*.jsonl' \) -not -path '*/checkpoints/*' \
  -not -path './.queue/index.json' | while read -r file; do
  mkdir -p "$docs/example/$(dirname "$file")"
  sed -E "s#$work/?##g; s#$images#images/cifar10#g; s#\"/[^\"]*/simclr\"#\"simclr\"#; s#([0-9]\.[0-9]{5})[0-9]+#\1#g" \
    "$file" | awk "NR % $([[ $file == */hardware.jsonl ]] && echo 5 || echo 1) == 0" > "$docs/example/$file"
done
