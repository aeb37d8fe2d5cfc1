#!/usr/bin/env bash
# Trains the runs of docs/example, the store from which the pictures are drawn, and keeps their figures alone:
#   docs/example.sh cifar10    (a folder with train/ and test/, each with one folder of images per class)
# The runs that are there were trained on 1,000 images of CIFAR-10, on a CPU: they are short, and their figures are real.
set -euo pipefail
images=$(cd "$1" && pwd)
docs=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/images"
ln -s "$images" "$work/images/cifar10"
cd "$work"
train() {
  simclr run --runs "$work/runs" --data folder:images/cifar10 --bs 64 --epochs 6 --threads 1 --name "$@" || true
}
train baseline
train baseline-seed1 --seed 1
train temp-0.1 --temp 0.1
train temp-0.2 --temp 0.2
train temp-1.0 --temp 1.0
train no-color-jitter --color 0
train crop-only --color 0 --gray 0 --flip 0
rm -rf "$docs/example"
mkdir "$docs/example"
cd "$work/runs"
# A path of the machine that trained is no part of a picture.
find . -name '*.json' -o -name '*.toml' -o -name '*.jsonl' | grep -v checkpoints | while read -r file; do
  mkdir -p "$docs/example/$(dirname "$file")"
  sed -E "s#$work/?##g; s#$images#images/cifar10#g; s#\"/[^\"]*/simclr\"#\"simclr\"#" "$file" > "$docs/example/$file"
done
