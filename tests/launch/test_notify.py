"""What is news, and telling it by a real command and a real web server."""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading

import pytest

from simclr_tui.catalog.news import Event, changed_rows, in_brief, news
from simclr_tui.config import Config, set_value
from simclr_tui.errors import RecipeError, SimclrError
from simclr_tui.launch import notify as notify_module
from simclr_tui.launch.notify import notify

EVENT = Event("run1", "failed", "run1 failed: out of memory")


def row(name, state, flags="", **more):
    return {"name": name, "state": state, "flags": flags, "reason": "", "knn": None, **more}


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        (row("a", "running"), row("a", "finished", knn=0.5), ["finished"]),
        (row("a", "running"), row("a", "failed"), ["failed"]),
        (row("a", "running"), row("a", "failed", "diverged"), ["diverged"]),
        (row("a", "running", "collapsed"), row("a", "failed", "collapsed"), ["failed"]),
        (row("a", "running"), row("a", "running", "collapsed"), ["collapsed"]),
        (row("a", "running"), row("a", "running", "stalled,collapsed"), ["collapsed", "stalled"]),
        (row("a", "running", "stalled"), row("a", "running"), []),
        (row("a", "starting"), row("a", "running"), []),
        (row("a", "running"), row("a", "lost"), ["lost"]),
        (row("a", "running"), row("a", "stopped"), ["stopped"]),
        (row("b", "running"), row("a", "failed"), []),
    ],
)
def test_news_is_what_changed_for_better_or_worse(before, after, events):
    found = news({before["name"]: before}, [after])
    assert [event.event for event in found] == events
    assert all(event.message.startswith("a ") for event in found)


def test_between_listings_of_the_same_runs_only_the_changed_rows_are_looked_at():
    a, b, c = row("a", "running"), row("b", "running"), row("c", "finished")
    ended = row("b", "finished")
    assert changed_rows((a, b, c), (a, ended, c)) == [ended]
    assert changed_rows((a, b), (a, b)) == []
    for other in ((a, b), (a, b, c, row("d", "queued")), (b, a, c), (a, row("d", "running"), c)):
        assert changed_rows((a, b, c), other) is None


def test_many_events_at_once_are_told_in_brief():
    few = [Event(f"r{n}", "finished", f"r{n} finished") for n in range(3)]
    assert in_brief(few) == [("r0 finished", False), ("r1 finished", False), ("r2 finished", False)]
    many = [*few, Event("r3", "finished", "r3 finished"), Event("bad", "failed", "bad failed: full disk")]
    assert in_brief(many) == [("4 runs finished: r0, r1, r2, …", False), ("bad failed: full disk", True)]


def test_text_from_outside_is_made_safe():
    event = news({"a": row("a", "running")}, [row("a", "failed", reason="\x1b[2Joops")])[0]
    assert event.message == "a failed: ␛[2Joops"


def test_the_command_gets_its_words_filled_in_and_never_a_shell(tmp_path):
    target = tmp_path / "told"
    code = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text('|'.join(sys.argv[2:]))"
    words = (sys.executable, "-c", code, str(target), "{run} is {event}", "{message}; $(id) {other}")
    notify(Config(notify=words), Event("r$(id)", "failed", "it's `gone`"))
    assert target.read_text() == "r$(id) is failed|it's `gone`; $(id) {other}"


@pytest.mark.parametrize("words", [("/nowhere/at-all",), (sys.executable, "-c", "raise SystemExit(3)"), ("a\0b",)])
def test_a_command_that_fails_is_a_sentence(words):
    with pytest.raises(SimclrError, match="notify"):
        notify(Config(notify=words), EVENT)


@pytest.fixture
def webhook():
    """A web server on loopback: its address, what it was told, and the codes that it answers first."""
    told, codes = [], []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(codes.pop(0) if codes else 200)
            self.end_headers()

        def log_message(self, *words):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/hook-s3cret"
    yield address, told, codes
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("field", ["text", "content"])
def test_the_webhook_gets_json_with_the_message_in_the_field_that_it_wants(webhook, field):
    address, told, _ = webhook
    notify(Config(webhook=address, webhook_field=field), EVENT)
    assert told == [{"run": "run1", "event": "failed", "message": EVENT.message, field: EVENT.message}]


def test_a_webhook_that_refuses_is_asked_once_and_its_address_is_never_repeated(webhook):
    address, told, codes = webhook
    codes.append(400)
    with pytest.raises(SimclrError, match="400") as failed:
        notify(Config(webhook=address), EVENT, waits=(0.01, 0.01))
    assert len(told) == 1
    assert "s3cret" not in str(failed.value)


def test_a_webhook_that_cannot_be_reached_is_called_again(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/hook-s3cret"
    waited = []
    monkeypatch.setattr(notify_module.time, "sleep", waited.append)
    with pytest.raises(SimclrError, match="did not answer") as failed:
        notify(Config(webhook=address), EVENT, waits=(1.0, 5.0))
    assert waited == [1.0, 5.0]
    assert "s3cret" not in str(failed.value)


def test_a_command_that_fails_does_not_keep_the_webhook_from_being_called(webhook):
    address, told, _ = webhook
    with pytest.raises(SimclrError, match="notify"):
        notify(Config(notify=("/nowhere/at-all",), webhook=address), EVENT)
    assert len(told) == 1


PROGRAMS = [
    ("sh", "-c", "echo {message}"),
    ("/bin/bash", "-lc", "notify-send {run}"),
    ("env", "A=1", "zsh", "-c", "{event}"),
    ("python3", "-c", "print('{message}')"),
    ("perl", "-e", "print '{run}'"),
    ("ssh", "desk", "notify-send", "{message}"),
    ("su", "me", "-c", "say {message}"),
]


@pytest.mark.parametrize("words", PROGRAMS)
def test_a_runs_words_never_become_part_of_a_program(words):
    with pytest.raises(RecipeError, match=r"SIMCLR_MESSAGE"):
        set_value("notify", words)
    with pytest.raises(RecipeError, match=r"SIMCLR_MESSAGE"):
        notify(Config(notify=words), EVENT)


def test_a_script_reads_them_from_its_environment_and_its_arguments(tmp_path):
    target = tmp_path / "told"
    words = ("sh", "-c", 'echo "$SIMCLR_RUN|$SIMCLR_EVENT|$SIMCLR_MESSAGE|$1" > "$0"', str(target), "{message}")
    notify(Config(notify=words), Event("r$(id)", "failed", "it's `gone`; $(id)"))
    assert target.read_text() == "r$(id)|failed|it's `gone`; $(id)|it's `gone`; $(id)\n"
