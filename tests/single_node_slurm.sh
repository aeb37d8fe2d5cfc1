#!/usr/bin/env bash
# A real Slurm of one machine for the tests: munge, slurmctld and slurmd (Debian: slurm-wlm, munge), run by root.
# Partition main has the node `first`; pair has `second` too, a slurmd of its own on this same machine.
#   single_node_slurm.sh start DIR PORT   daemons on PORT to PORT+2, their files in DIR; returns when the nodes are idle
#   single_node_slurm.sh stop DIR         ends what start began
set -euo pipefail
verb=$1 dir=$2 host=$(hostname -s)
export SLURM_CONF=$dir/slurm.conf
if [ "$verb" = stop ]; then
  for daemon in slurmd-first slurmd-second slurmctld munged; do
    [ -s "$dir/$daemon.pid" ] || continue
    pid=$(cat "$dir/$daemon.pid")
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 10); do
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.2
    done
    kill -KILL "$pid" 2>/dev/null || true  # a slurmd whose controller went first may wait for it
  done
  exit
fi
port=$3
mkdir -p "$dir/state"
cat >"$SLURM_CONF" <<CONF
ClusterName=simclr-tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
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
SlurmdPidFile=$dir/slurmd-%n.pid
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd-%n.log
NodeName=DEFAULT Sockets=1 CoresPerSocket=$(getconf _NPROCESSORS_ONLN) ThreadsPerCore=1 RealMemory=1000 State=UNKNOWN
NodeName=first NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1))
NodeName=second NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 2))
PartitionName=main Nodes=first Default=YES MaxTime=INFINITE State=UP
PartitionName=pair Nodes=first,second MaxTime=INFINITE State=UP
CONF
if ! munge -n </dev/null >/dev/null 2>&1; then
  mkdir -p /run/munge && chown munge: /run/munge
  touch "$dir/munged.pid" && chown munge: "$dir/munged.pid"
  runuser -u munge -- munged
  cp /run/munge/munged.pid "$dir/munged.pid" 2>/dev/null || true
fi
slurmctld
slurmd -N first
slurmd -N second
for _ in $(seq 100); do
  [ "$(sinfo -h -p pair -o %T 2>/dev/null)" != idle ] || exit 0
  sleep 0.2
done
echo "the nodes did not come up; see $dir/*.log" >&2
exit 1
