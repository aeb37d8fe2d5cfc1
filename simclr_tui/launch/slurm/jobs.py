"""Train runs as Slurm jobs: submitted through submitit, watched through squeue, stopped through scancel.

The run folder lies on a file system that the nodes share and looks like any other. Its `slurm.json` names the job
for as long as Slurm is responsible for the run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess

import msgspec

from simclr_tui.atomic import write_file
from simclr_tui.clock import SYSTEM_CLOCK
from simclr_tui.errors import ExitCode, RecipeError, StoreError, UnansweredError
from simclr_tui.interpreter import extra_command, python_for_shell
from simclr_tui.launch.exit_reason import NO_MEMORY, NO_MEMORY_HINT
from simclr_tui.launch.metadata import UNNAMED, Metadata
from simclr_tui.launch.plan import Plan
from simclr_tui.launch.slurm.job_main import Attempts, wait_again
from simclr_tui.launch.slurm.resources import check_nodes
from simclr_tui.launch.slurm.squeue import ASK_WITHIN, states_of
from simclr_tui.launch.start import claimed, create
from simclr_tui.paths import QUEUE, QueuePaths, RunPaths
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.slurm_file import Job, Resources, read_job
from simclr_tui.store.state import ACTIVE, State, read_state, requeued, write_state
from simclr_tui.store.store import Store

_CLOCKS_APART = 5.0  # seconds by which the clocks of two nodes may differ
_REQUEUES = 10_000  # times a job may reach its time limit: a run may take as many jobs as it needs
_KILLED = 128 + signal.SIGKILL  # exit code of a trainer killed by an unknown sender
_OVER = ("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE")


def require_slurm() -> None:
    """Raise RecipeError unless jobs can be submitted from here."""
    if importlib.util.find_spec("submitit") is None:
        raise RecipeError("--on slurm needs submitit", extra_command("slurm"))
    if shutil.which("sbatch") is None:
        raise RecipeError("--on slurm finds no sbatch here", "type it on the cluster's login node, or give --on here")


def submit(store: Store, plan: Plan, metadata: Metadata = UNNAMED, *, resources: Resources) -> Run:
    """Make a run and submit its job. Raises RecipeError without Slurm, StoreError where it refuses the job."""
    require_slurm()
    check_nodes(plan.resolved.recipe, resources)
    run = create(store, plan, metadata, queued=True)
    try:
        submit_again(run, resources)
    except StoreError:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def resubmit(run: Run, resources: Resources) -> Job:
    """Submit a job that resumes a stopped, failed or lost run from its newest checkpoint. Raises as `submit` does."""
    require_slurm()
    with claimed(run):
        status = run.status
        if status.state not in ("stopped", "failed", "lost"):
            raise StoreError(f"{run.name} cannot be queued, it is {status.state}", "see simclr ls")
        write_state(run.paths, requeued(status, ""), durable=True)
    return submit_again(run, resources)


def submit_again(run: Run, resources: Resources) -> Job:
    """Submit a job for a queued run. Raises StoreError where Slurm refuses it."""
    import submitit

    # The trainer handles this signal; submitit's default would kill it.
    os.environ["SUBMITIT_PREEMPT_SIGNAL"] = "USR1"
    submitit.JobEnvironment.USR_SIG = "USR1"
    folder = run.paths.slurm_folder.absolute()
    executor = submitit.SlurmExecutor(folder=folder, max_num_timeout=_REQUEUES, python=python_for_shell())
    executor.update_parameters(**_parameters(run, resources))
    try:
        submitted = executor.submit(Attempts(str(run.path.absolute())))
    except (submitit.core.utils.FailedJobError, OSError) as error:
        said = str(error).strip().splitlines()
        raise StoreError(f"Slurm refused the job of {run.name}: {said[-1] if said else error}", "see sinfo") from None
    job = Job(id=submitted.job_id, resources=resources)
    marker = QueuePaths(run.path.parent / QUEUE).slurm
    marker.parent.mkdir(exist_ok=True)
    marker.touch()
    write_file(run.paths.asked, msgspec.json.encode(resources))
    write_file(run.paths.slurm, msgspec.json.encode(job))
    record(run.paths, read_state(run.paths).attempt, "queued", message=f"as job {job.id} of Slurm")
    return job


def _parameters(run: Run, resources: Resources) -> dict[str, object]:
    minutes = resources.minutes
    asked: dict[str, object] = {"job_name": f"simclr-{run.name}"}
    if resources.partition:
        asked["partition"] = resources.partition
    if resources.gpus:
        asked["gpus_per_node"] = resources.gpus // resources.nodes
    if resources.nodes > 1:
        asked |= {"nodes": resources.nodes, "ntasks_per_node": 1}
    if resources.cpus:
        asked["cpus_per_task"] = resources.cpus
    asked["time"] = minutes or 60 * 24
    asked["signal_delay_s"] = min(90, max(15, 60 * int(asked["time"]) // 4))  # type: ignore[call-overload]
    asked["additional_parameters"] = {"requeue": True}
    return asked


def refresh(store: Store) -> None:
    """Bring the states of runs on Slurm up to date with their jobs, in one query for all.

    Nothing changes if Slurm does not answer, or for a run that is damaged, just removed, or someone else's.
    """
    if not QueuePaths(store.root / QUEUE).slurm.exists():
        return
    jobs = {name: job for name in store.names() if (job := _job_of(store, name)) is not None}
    asked = SYSTEM_CLOCK.wall()
    said = states_of([job.id for job in jobs.values()]) if jobs else None
    if said is None:
        return
    for name, job in jobs.items():
        state, reason = said.get(job.id, ("", ""))
        with contextlib.suppress(StoreError, OSError):
            if state in ("PENDING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED"):
                _pending(store.run(name), reason, asked)
            elif not state or state in _OVER:
                _gone(store.run(name), job, state)


def _job_of(store: Store, name: str) -> Job | None:
    path = f"{store.root}/{name}/slurm.json"
    with contextlib.suppress(UnansweredError):
        return read_job(RunPaths(store.root / name)) if os.path.exists(path) else None  # noqa: PTH110 - of every run
    return None


def _pending(run: Run, reason: str, asked: float) -> None:
    """Record that the job waits.

    A run that has started since Slurm was asked is left alone; one that trained before has lost its node, and Slurm
    will start its job again.
    """
    status = read_state(run.paths)
    if status.state in ACTIVE and status.since > asked - _CLOCKS_APART:
        return
    if status.state in ("stopped", "failed", *ACTIVE):
        wait_again(run, status, "preempted")
        status = read_state(run.paths)
    told = f"Slurm: {reason}"
    kept = status.reason.partition(" (Slurm: ")[0] if status.attempt > 1 or status.step else ""
    told = f"{kept} ({told})" if kept else told
    if status.state == "queued" and status.reason != told:
        write_state(run.paths, msgspec.structs.replace(status, reason=told))


def _gone(run: Run, job: Job, state: str) -> None:
    """Record the end of the job: the run has ended too, is lost for the reason Slurm gives, or ran out of memory."""
    status = read_state(run.paths)
    if state == "OUT_OF_MEMORY" and (status.state in ("queued", *ACTIVE) or status.exit_code == _KILLED):
        _no_memory(run, job, status)
    elif status.state in ("queued", *ACTIVE):
        why = f"job {job.id} is {state.lower().replace('_', ' ')}" if state else f"job {job.id} is gone"
        lost = _ended(status, f"Slurm: {why}")
        write_state(run.paths, lost, durable=True)
        record(run.paths, status.attempt, "failed", message=lost.reason, step=status.step)
    run.paths.slurm.unlink(missing_ok=True)


def _no_memory(run: Run, job: Job, status: State) -> None:
    """Record that the job ran out of memory: the supervisor may be dead too, and a retry would end the same way."""
    reason = f"{NO_MEMORY}, around step {status.step}; Slurm: job {job.id} is out of memory — {NO_MEMORY_HINT}"
    failed = msgspec.structs.replace(_ended(status, reason), state="failed", exit_code=ExitCode.OUT_OF_MEMORY)
    write_state(run.paths, failed, durable=True)
    record(run.paths, status.attempt, "failed", message=reason, step=status.step)


def _ended(status: State, reason: str) -> State:
    return msgspec.structs.replace(status, state="lost", reason=reason, since=SYSTEM_CLOCK.wall(), activity="")


def cancel(run: Run, job: Job, *, now: bool = False) -> None:
    """Ask the trainer to stop with a checkpoint, which ends the job; cancel a waiting job, or any job if `now`."""
    waits = read_state(run.paths).state == "queued"
    words = ["scancel", job.id] if waits or now else ["scancel", "--signal=TERM", job.id]
    try:
        asked = subprocess.run(words, capture_output=True, text=True, timeout=ASK_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StoreError(f"Slurm refused to stop {run.name}: {error}", "see squeue") from None
    if asked.returncode:
        raise StoreError(f"Slurm refused to stop {run.name}: {asked.stderr.strip()}", "see squeue")
