"""Settle a queued run that has ended: resume it if something outside killed it, else record its end."""

from __future__ import annotations

import signal

import msgspec

from simclr_tui.errors import ExitCode
from simclr_tui.launch.start import claimed
from simclr_tui.store.checkpoints import manifests
from simclr_tui.store.events import record
from simclr_tui.store.run import Run
from simclr_tui.store.state import OPEN, State, read_state, requeued, write_state
from simclr_tui.store.ticket import Ticket, drop_ticket, write_ticket

RETRIES = 3
_BY_HAND = {128 + signal.SIGHUP, 128 + signal.SIGINT}
_SAID = {
    ExitCode.OUT_OF_MEMORY: "memory would run out again",
    ExitCode.DIVERGED: "the same seed diverges again",
    ExitCode.DATA: "the images would be the same",
}


def settle(run: Run, ticket: Ticket) -> None:
    """Queue the run again where that helps, else release it; either way its state and events say why.

    A run that was killed by a signal or lost is resumed up to three times, each time only if it has saved a newer
    checkpoint. Raises StoreError while another process holds the run, or what it saved cannot be read at the moment:
    the next pass settles it.
    """
    with claimed(run):
        status = run.status
        if status.state in OPEN:
            return
        saved = max((manifest.step for manifest in manifests(run.paths, strict=True)), default=0)
        never_began = status.state == "lost" and not run.paths.attempt(status.attempt).log.exists()
        if never_began and ticket.unbegun < RETRIES:
            again = msgspec.structs.replace(ticket, unbegun=ticket.unbegun + 1, gpus=())
            _queue_again(run, again, status, reason="never began", saved=saved)
        elif refusal := _refusal(status, ticket, saved):
            _let_go(run, ticket, status, refusal=refusal)
        else:
            _queue_again(run, _counted(ticket, status.reason, saved), status, reason=status.reason, saved=saved)


def _refusal(status: State, ticket: Ticket, saved: int) -> str:
    """Return why the run is not resumed; empty when it is."""
    if status.state in ("finished", "stopped"):
        return "it has ended"
    code = status.exit_code
    if status.state == "failed" and (code is None or code <= 128 or code in _BY_HAND):
        return _SAID.get(ExitCode(code), "it would fail again") if code in list(ExitCode) else "it would fail again"
    if saved <= ticket.advanced:
        return "no checkpoint was saved since it began" if not ticket.retried else "it did not advance since"
    return f"{RETRIES} retries are enough" if len(ticket.retried) >= RETRIES else ""


def _counted(ticket: Ticket, reason: str, saved: int) -> Ticket:
    return msgspec.structs.replace(ticket, retried=(*ticket.retried, reason), advanced=saved, gpus=())


def _queue_again(run: Run, ticket: Ticket, status: State, *, reason: str, saved: int) -> None:
    """Queue a run again: first its state, then its ticket.

    Killed between the two writes, the run is retried once more than is counted.
    """
    goes_on = f"{reason}; resumes from step {saved}"
    if ticket.retried:
        goes_on += f", retry {len(ticket.retried)} of {RETRIES}"
    write_state(run.paths, requeued(status, goes_on), durable=True)
    write_ticket(run.paths, ticket)
    record(run.paths, status.attempt, "retry", message=f"{goes_on} (exit code {status.exit_code})", step=status.step)


def _let_go(run: Run, ticket: Ticket, status: State, *, refusal: str) -> None:
    reason = status.reason
    if status.state in ("failed", "lost"):
        reason += f"; not retried: {refusal}"
        said = f"not retried: {refusal} (exit code {status.exit_code})"
        record(run.paths, status.attempt, "warning", message=said, step=status.step)
    if ticket.retried:
        times = "once" if len(ticket.retried) == 1 else f"{len(ticket.retried)} times"
        reason = "; ".join(filter(None, [reason, f"retried {times}, at first it was {ticket.retried[0]}"]))
    if reason != status.reason:
        write_state(run.paths, msgspec.structs.replace(read_state(run.paths), reason=reason), durable=True)
    drop_ticket(run.paths)
