#!/usr/bin/env bash
# A real Slurm of one node for the tests: munge, slurmctld and slurmd (Debian: slurm-wlm, munge), run by root.
#   single_node_slurm.sh start DIR PORT   daemons on PORT and PORT+1, their files in DIR; returns when the node is idle
#   single_node_slurm.sh stop DIR         ends what start began
set -euo pipefail
verb=$1 dir=$2 host=$(hostname -s)
export SLURM_CONF=$dir/slurm.conf
if [ "$verb" = stop ]; then
  for daemon in slurmd slurmctld munged; do
    [ ! -s "$dir/$daemon.pid" ] || kill "$(cat "$dir/$daemon.pid")" 2>/dev/null || true
  done
  exit
fi
port=$3
mkdir -p "$dir/state" "$dir/spool"
cat >"$SLURM_CONF" <<CONF
ClusterName=simclr-tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=1,batch_sched_delay=1
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 Sockets=1 CoresPerSocket=$(getconf _NPROCESSORS_ONLN) ThreadsPerCore=1 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
if ! munge -n </dev/null >/dev/null 2>&1; then
  mkdir -p /run/munge && chown munge: /run/munge
  touch "$dir/munged.pid" && chown munge: "$dir/munged.pid"
  runuser -u munge -- munged
  cp /run/munge/munged.pid "$dir/munged.pid" 2>/dev/null || true
fi
slurmctld
slurmd
for _ in $(seq 100); do
  [ "$(sinfo -h -o %T 2>/dev/null)" != idle ] || exit 0
  sleep 0.2
done
echo "the node did not come up; see $dir/*.log" >&2
exit 1
