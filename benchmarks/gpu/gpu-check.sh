#!/usr/bin/env bash
# Check and measure the CUDA path, in stages that each have a limit: see README.md beside this file.
#
#   bash benchmarks/gpu/gpu-check.sh check      # every stage but knn: at most CHECK_S (default 420) seconds
#   bash benchmarks/gpu/gpu-check.sh knn        # time to kNN: at most KNN_S (default 320) seconds
#   bash benchmarks/gpu/gpu-check.sh STAGE …    # machine waits tests smoke truth speed profile doctor knn
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
RIGHT=(waits tests smoke truth) # whose results do not depend on the time they take: side by side
TIMED=(speed profile doctor)    # alone
STAGES=(machine "${RIGHT[@]}" "${TIMED[@]}")
mkdir -p "$OUT" "$WORK" "$SITE"
if [ -d "$IMAGES" ]; then DATA=$IMAGES; else DATA=$WORK/images; fi
export PYTHONPATH=$SITE:$TOP PYTHONUNBUFFERED=1 SIMCLR_RUNS=$WORK/runs SIMCLR_DATA=$WORK/data SIMCLR_OFFLINE=1
# Compiled kernels are kept for a second call.
export TORCHINDUCTOR_CACHE_DIR=$WORK/inductor TRITON_CACHE_DIR=$WORK/triton
export GPU_CHECK_DEVICE=$DEVICE GPU_CHECK_OUT=$OUT GPU_CHECK_WORK=$WORK GPU_CHECK_DATA=$DATA
SUMMARY=$OUT/summary.txt
FEW=()
FAST=(--compile --capture)
[ "$DEVICE" = cpu ] && FEW=(--width 0.0625 --bs 32 --subset 320) FAST=()
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
  echo ">> commit ${COMMIT:-$(git -C "$TOP" describe --always --dirty 2>/dev/null || echo unknown)}"
  simclr doctor || return 1
  [ "$DEVICE" = cpu ] || "$PY" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'
}

run_waits() { "$PY" -m benchmarks.gpu.waits; }
run_truth() { "$PY" -m benchmarks.gpu.truth; }
run_speed() { "$PY" -m benchmarks.gpu.speed; }
run_profile() { "$PY" -m benchmarks.gpu.profiles; }

run_tests() {
  local files code
  mapfile -t files < <(grep -rl 'mark\.gpu' tests --include='test_*.py')
  "$PY" -m pytest -q -m gpu -p no:cacheprovider "${files[@]}" 2>&1 | tail -60
  code=${PIPESTATUS[0]}
  [ "$code" = 5 ] || return "$code"
}

# As a user does, by command line: generated images, then files; stop and resume; then evaluate, show, list.
run_smoke() {
  simclr run --preset quick --device "$DEVICE" --epochs 1 --knn-every 1 --name smoke-shapes "${FEW[@]}" || return 1
  simclr eval smoke-shapes --knn || return 1
  images_ready || return 0
  simclr run --preset cifar10-sgd --device "$DEVICE" --data "folder:$DATA" --epochs 4 --knn-every 1 \
    --checkpoint-every 1 --name smoke-files --detach "${FEW[@]}" || return 1
  until simclr show smoke-files --json | grep -q '"knn"'; do sleep 0.5; done
  simclr stop smoke-files && simclr resume smoke-files || return 1
  simclr eval smoke-files --knn --linear --epochs 2 || return 1
  if [ "$DEVICE" != cpu ]; then
    simclr run --preset cifar10-sgd --data "folder:$DATA" --epochs 3 --grow-from 16 --compile --capture --knn-every 1 \
      --name smoke-fast || return 1
    simclr logs smoke-fast
    ! simclr logs smoke-fast | grep -E 'not captured|not compiled' || return 1
  fi
  simclr show smoke-files
  simclr ls
}

run_doctor() { simclr doctor --gpu; }

# As many epochs of gpu-fast as fit, by the speed just measured; stopped, with a checkpoint, shortly before the limit.
run_knn() {
  local seconds=$1 epochs run alarm code
  images_ready || return 0
  epochs=${EPOCHS:-$("$PY" -m benchmarks.gpu.time_to_knn epochs "$seconds")} || return 1
  echo ">> $epochs epochs in $seconds s"
  # shellcheck disable=SC2086 # KNN_MORE holds several words
  simclr run --preset gpu-fast --device "$DEVICE" --data "folder:$DATA" --epochs "$epochs" \
    --knn-every $((epochs > 10 ? epochs / 10 : 1)) --checkpoint-every "$epochs" --name knn "${FAST[@]}" ${KNN_MORE:-} \
    "${FEW[@]}" &
  run=$!
  (sleep $((seconds - 40)) && simclr stop knn) >/dev/null 2>&1 &
  alarm=$!
  (sleep $((seconds / 3)) && look_at_panels) &
  wait $run
  code=$?
  kill $alarm 2>/dev/null
  "$PY" -m benchmarks.gpu.time_to_knn curve knn
  simclr eval knn --knn --knn-k 10 --knn-weights equal
  simclr eval knn --knn
  [ $code = 0 ] || [ $code = 9 ] || return $code
}

# The dashboard while the GPU trains, as pictures: the main screen and the tab of the hardware.
look_at_panels() {
  simclr tui --snapshot "$OUT/main.svg" --size 150x44
  simclr tui --snapshot "$OUT/system.svg" --size 150x44 --keys "${SYSTEM_TAB:-2}"
  simclr show knn
  simclr ls --json >"$OUT/ls.json"
}

# stage NAME SECONDS [ARGUMENT]: its output to $OUT/NAME.txt, a verdict and its ">>" lines to the summary.
stage() {
  local name=$1 limit=$2 began=$SECONDS code=0
  shift 2
  timeout --signal=TERM --kill-after=10 "$limit" bash "$SELF" "run_$name" "$@" >"$OUT/$name.txt" 2>&1 || code=$?
  {
    printf '%-10s %s after %s s (limit %s)\n' "$name" "$([ $code = 0 ] && echo passed || echo "FAILED with $code")" \
      $((SECONDS - began)) "$limit"
    grep -a '^>> ' "$OUT/$name.txt" | cut -c1-200 | tail -30
  } >"$OUT/$name.said"
  tee -a "$SUMMARY" <"$OUT/$name.said"
  rm "$OUT/$name.said"
  [ $code = 0 ] || tail -12 "$OUT/$name.txt" | cut -c1-240
  return $code
}

# Each stage in the background; waits for all.
side_by_side() {
  local each pid pids=()
  for each; do
    dispatch "$each" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || FAILED=1; done
}

dispatch() {
  case $1 in
    machine) stage machine 40 ;;
    waits) stage waits "${RIGHT_S:-150}" ;;
    tests) stage tests "${RIGHT_S:-150}" ;;
    smoke) stage smoke "${RIGHT_S:-150}" ;;
    truth) stage truth "${RIGHT_S:-150}" ;;
    speed) stage speed "${SPEED_S:-200}" ;;
    profile) stage profile 60 ;;
    doctor) stage doctor 90 ;;
    knn)
      local left=$((${KNN_S:-320} - (SECONDS - BEGAN)))
      stage knn "$left" $((left - 8)) ;;
    right) side_by_side "${RIGHT[@]}" ;;
    check)
      dispatch machine || FAILED=1
      dispatch right
      for each in "${TIMED[@]}"; do
        if [ $((SECONDS - BEGAN)) -lt $((${CHECK_S:-420} - 20)) ]; then
          dispatch "$each" || FAILED=1
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
for each in "${@:-check}"; do dispatch "$each" || FAILED=1; done
echo "$((SECONDS - BEGAN)) s in all; results are in $OUT"
exit $FAILED
