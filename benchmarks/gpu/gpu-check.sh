#!/usr/bin/env bash
# Check and measure the CUDA path, in stages that each have a limit: see README.md beside this file.
#
#   bash benchmarks/gpu/gpu-check.sh check      # every stage but knn: at most CHECK_S (default 420) seconds
#   bash benchmarks/gpu/gpu-check.sh knn        # time to kNN: at most KNN_S (default 320) seconds
#   bash benchmarks/gpu/gpu-check.sh STAGE …    # machine waits tests smoke bench variants profile truth knn
#
# A stage that fails does not stop the others. The exit code is 1 where one failed.
set -uo pipefail
SELF=$(realpath "$0")
TOP=$(dirname "$SELF")/../..
cd "$TOP" && TOP=$(pwd)
OUT=${OUT:-/tmp/gpu-check-out}
WORK=${WORK:-/tmp/gpu-check}
DEVICE=${DEVICE:-cuda} # cpu: a rehearsal, with tiny numbers
PY=${PY:-python3}
IMAGES=${IMAGES:-}
SITE=$WORK/site
BEGAN=$SECONDS
STAGES=(machine waits tests smoke bench variants profile truth)
mkdir -p "$OUT" "$WORK" "$SITE"
if [ -d "$IMAGES" ]; then DATA=$IMAGES; else DATA=$WORK/images; fi
export PYTHONPATH=$SITE:$TOP PYTHONUNBUFFERED=1 SIMCLR_RUNS=$WORK/runs SIMCLR_DATA=$WORK/data SIMCLR_OFFLINE=1
# Compiled kernels are kept for a second call.
export TORCHINDUCTOR_CACHE_DIR=$WORK/inductor TRITON_CACHE_DIR=$WORK/triton
export GPU_CHECK_DEVICE=$DEVICE GPU_CHECK_OUT=$OUT GPU_CHECK_WORK=$WORK GPU_CHECK_DATA=$DATA
SUMMARY=$OUT/summary.txt
FEW=()
[ "$DEVICE" = cpu ] && FEW=(--width 0.0625 --bs 32 --subset 320)
simclr() { "$PY" -m simclr_tui.cli.main "$@"; }

setup() {
  [ -e "$SITE/.done" ] && return
  if compgen -G "$TOP/.whl/*.whl" >/dev/null; then
    "$PY" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target "$SITE" \
      "$TOP"/.whl/*.whl || exit 1
  fi
  touch "$SITE/.done"
}

# Unpack the archive of images, beside the first stages.
unpack() {
  [ -f "$IMAGES" ] && [ ! -e "$DATA/.done" ] || return 0
  mkdir -p "$DATA" && tar xf "$IMAGES" -C "$DATA" && touch "$DATA/.done"
}

images_ready() {
  [ -n "$IMAGES" ] || { echo ">> no IMAGES given: left out"; return 1; }
  [ -d "$IMAGES" ] && return
  until [ -e "$DATA/.done" ]; do sleep 0.2; done
}

run_machine() {
  nvidia-smi -q -d MEMORY,CLOCK,POWER,COMPUTE 2>&1 | head -60
  "$PY" - <<'PYTHON'
import os, platform, torch
cores = len(os.sched_getaffinity(0))
print(">> torch", torch.__version__, "CUDA", torch.version.cuda, "Python", platform.python_version(), "cores", cores)
if torch.cuda.is_available():
    gpu = torch.cuda.get_device_properties(0)
    print(">>", gpu.name, f"{gpu.total_memory / 2**30:.0f} GiB, architectures", torch.cuda.get_arch_list())
PYTHON
  echo ">> commit $(git -C "$TOP" describe --always --dirty 2>/dev/null || echo unknown)"
  simclr doctor
  [ "$DEVICE" = cpu ] || "$PY" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'
}

run_waits() { "$PY" -m benchmarks.gpu.waits; }
run_truth() { "$PY" -m benchmarks.gpu.truth; }
run_variants() { "$PY" -m benchmarks.gpu.variants; }
run_profile() { "$PY" -m benchmarks.gpu.profiles; }

run_tests() {
  local files code
  mapfile -t files < <(grep -rl 'mark\.gpu' tests --include='test_*.py')
  "$PY" -m pytest -q -m gpu -p no:cacheprovider "${files[@]}" 2>&1 | tail -60
  code=${PIPESTATUS[0]}
  [ "$code" = 5 ] || return "$code"
}

# As a user does, by command line: generated images, then files; then evaluate, show, list.
run_smoke() {
  simclr run --preset quick --device "$DEVICE" --epochs 1 --knn-every 1 --name smoke-shapes "${FEW[@]}" || return 1
  simclr eval smoke-shapes --knn || return 1
  simclr show smoke-shapes | head -40
  images_ready || return 0
  simclr run --preset cifar10-sgd --device "$DEVICE" --data "folder:$DATA" --epochs 2 --knn-every 1 \
    --checkpoint-every 1 --name smoke-files "${FEW[@]}" || return 1
  simclr eval smoke-files --knn --linear --epochs 2 || return 1
  simclr ls
}

run_bench() {
  local peer=() steps=100 repeat=3 size=(--bs 512)
  [ "$DEVICE" = cpu ] && steps=2 repeat=1 size=("${FEW[@]:0:4}")
  if [ "$DEVICE" != cpu ] && images_ready; then
    peer=(--peer "$PY $TOP/benchmarks/peers/lightly_simclr.py $DATA/train --batch 512 --steps 30 --workers 16 --bf16")
  fi
  simclr bench train --preset cifar10-sgd --device "$DEVICE" "${size[@]}" --steps $steps --repeat $repeat \
    "${peer[@]}" --json >"$OUT/bench.json" || return 1
  "$PY" - "$OUT/bench.json" <<'PYTHON'
import json, sys
for f in json.load(open(sys.argv[1]))["figures"]:
    print(">>", f["name"], f"{f['median']:,.1f} ({f['lowest']:,.1f} – {f['highest']:,.1f}, n {f['n']})", f["unit"])
PYTHON
}

# As many epochs as fit, by the speed just measured; stopped, with a checkpoint, shortly before the limit.
run_knn() {
  local seconds=$1 epochs run alarm code
  images_ready || return 0
  epochs=$("$PY" -m benchmarks.gpu.time_to_knn epochs "$seconds") || return 1
  echo ">> $epochs epochs in $seconds s"
  # shellcheck disable=SC2086 # KNN_MORE holds several words
  simclr run --preset cifar10-sgd --device "$DEVICE" --data "folder:$DATA" --epochs "$epochs" \
    --knn-every $((epochs > 10 ? epochs / 10 : 1)) --checkpoint-every "$epochs" --name knn ${KNN_MORE:-} "${FEW[@]}" &
  run=$!
  (sleep $((seconds - 12)) && simclr stop knn) >/dev/null 2>&1 &
  alarm=$!
  wait $run
  code=$?
  kill $alarm 2>/dev/null
  "$PY" -m benchmarks.gpu.time_to_knn curve knn
  [ $code = 0 ] || [ $code = 9 ] || return $code
}

# stage NAME SECONDS [ARGUMENT]: its output to $OUT/NAME.txt, a verdict and its ">>" lines to the summary.
stage() {
  local name=$1 limit=$2 began=$SECONDS code
  shift 2
  timeout --signal=INT --kill-after=10 "$limit" bash "$SELF" "run_$name" "$@" >"$OUT/$name.txt" 2>&1
  code=$?
  printf '%-10s %s after %s s (limit %s)\n' "$name" "$([ $code = 0 ] && echo passed || echo "FAILED with $code")" \
    $((SECONDS - began)) "$limit" | tee -a "$SUMMARY"
  grep -a '^>> ' "$OUT/$name.txt" | cut -c1-200 | tail -30 | tee -a "$SUMMARY"
  [ $code = 0 ] || { FAILED=1; tail -12 "$OUT/$name.txt" | cut -c1-240; }
}

dispatch() {
  case $1 in
    machine) stage machine 40 ;;
    waits) stage waits 130 ;;
    tests) stage tests 80 ;;
    smoke) stage smoke 90 ;;
    bench) stage bench 110 ;;
    variants) stage variants 150 ;;
    profile) stage profile 90 ;;
    truth) stage truth 110 ;;
    knn)
      local left=$((${KNN_S:-320} - (SECONDS - BEGAN)))
      stage knn "$left" $((left - 8)) ;;
    check)
      for each in "${STAGES[@]}"; do
        if [ $((SECONDS - BEGAN)) -lt $((${CHECK_S:-420} - 20)) ]; then
          dispatch "$each"
        else
          echo "$each      left out: no time" | tee -a "$SUMMARY"
        fi
      done ;;
    *)
      echo "no stage $1; there are: ${STAGES[*]} knn, and check for all but knn" >&2
      exit 2 ;;
  esac
}

if [[ ${1:-} == run_* ]]; then
  "$@"
  exit
fi
FAILED=0
setup
unpack &
for each in "${@:-check}"; do dispatch "$each"; done
wait
echo "$((SECONDS - BEGAN)) s in all; results are in $OUT"
exit $FAILED
