"""The index of tickets is a hint: whatever happens to it, the queue is what the run folders say."""

from __future__ import annotations

import msgspec
import pytest

from simclr_tui.atomic import write_file
from simclr_tui.paths import RunPaths
from simclr_tui.store import ticket_index
from simclr_tui.store.store import Store
from simclr_tui.store.ticket import Ticket, drop_ticket, next_position, tickets, tickets_kept, write_ticket
from tests.run_factory import make_run


@pytest.fixture
def searches(monkeypatch) -> list[int]:
    """One entry for each search of all run folders; even a small store is treated as a big one."""
    found: list[int] = []

    def counted(store: Store) -> tuple[list[str], int]:
        found.append(1)
        return search(store)

    search = ticket_index.search
    monkeypatch.setattr(ticket_index, "SMALL", 0)
    monkeypatch.setattr(ticket_index, "search", counted)
    monkeypatch.setattr("simclr_tui.store.ticket.search", counted)
    return found


@pytest.fixture
def store(tmp_path) -> Store:
    """Six runs, of which run1, run2 and run3 wait at the positions 1, 2 and 3."""
    root = tmp_path / "runs"
    for number in range(1, 7):
        run = make_run(root, f"run{number}", state="queued" if number < 4 else "finished")
        if number < 4:
            write_ticket(run.paths, Ticket(position=number))
    return Store(root)


def test_only_one_search_is_needed_for_many_changes(store, searches):
    assert list(tickets_kept(store)) == ["run1", "run2", "run3"]
    for number in range(4, 7):
        write_ticket(store.run(f"run{number}").paths, Ticket(position=next_position(store)))
        assert list(tickets(store))[-1] == f"run{number}"
    drop_ticket(store.run("run2").paths)
    assert list(tickets_kept(store)) == ["run1", "run3", "run4", "run5", "run6"]
    assert searches == [1]


def test_an_empty_queue_needs_no_search_either(tmp_path, searches):
    make_run(tmp_path / "runs", "run1")
    for _ in range(3):
        assert tickets_kept(Store(tmp_path / "runs")) == {}
    assert searches == [1]


def test_reading_the_queue_writes_nothing(store, searches):
    index = store.root / ".queue" / "index.json"
    assert list(tickets(store)) == ["run1", "run2", "run3"]
    assert not index.exists()
    tickets_kept(store)
    assert index.exists()


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"boot":"other","searched":1,"runs":9,"last":7}', b"\xff" * 99])
def test_an_index_that_says_nothing_costs_a_search_and_no_ticket(store, searches, content):
    tickets_kept(store)
    index = store.root / ".queue" / "index.json"
    index.unlink() if content is None else index.write_bytes(content)
    assert list(tickets(store)) == ["run1", "run2", "run3"]
    assert next_position(store) == 4
    assert list(tickets_kept(store)) == ["run1", "run2", "run3"]


def test_what_was_changed_by_hand_or_by_an_older_version_is_found_by_the_next_search(store, searches, monkeypatch):
    tickets_kept(store)
    (store.root / "run2").rename(store.root / "moved")
    write_file(store.run("run6").paths.ticket, msgspec.json.encode(Ticket(position=9)))  # as 0.1 does it
    monkeypatch.setattr(ticket_index, "SEARCH_EVERY", 0.0)
    assert list(tickets_kept(store)) == ["run1", "moved", "run3", "run6"]
    monkeypatch.undo()
    monkeypatch.setattr(ticket_index, "SMALL", 0)
    assert list(tickets(store)) == ["run1", "moved", "run3", "run6"]
    assert next_position(store) == 10
    assert sorted(path.name for path in (store.root / ".queue" / "tickets").iterdir()) == [
        "moved", "run1", "run3", "run6",
    ]  # fmt: skip


def test_a_small_store_is_searched_every_time(store):
    tickets_kept(store)
    (store.root / "run2").rename(store.root / "moved")
    assert list(tickets_kept(store)) == ["run1", "moved", "run3"]


def test_a_marker_left_by_a_killed_writer_is_no_ticket(store, searches):
    tickets_kept(store)
    ticket_index.mark(store.run("run5").paths)  # killed before the ticket was written
    ticket_index.mark(RunPaths(store.root / "gone"))
    assert list(tickets_kept(store)) == ["run1", "run2", "run3"]


def test_a_ticket_written_while_another_is_dropped_keeps_its_marker(store, searches, monkeypatch):
    tickets_kept(store)
    paths, unmark = store.run("run2").paths, ticket_index.unmark

    def queued_again_meanwhile(of: RunPaths) -> None:
        write_ticket(of, Ticket(position=8))
        unmark(of)

    monkeypatch.setattr("simclr_tui.store.ticket.unmark", queued_again_meanwhile)
    drop_ticket(paths)
    assert list(tickets(store)) == ["run1", "run3", "run2"]
    assert searches == [1]


def test_where_no_marker_can_be_written_the_store_is_searched(store, searches):
    folder = store.root / ".queue" / "tickets"
    tickets_kept(store)
    for marker in folder.iterdir():
        marker.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    write_ticket(store.run("run4").paths, Ticket(position=4))
    assert list(tickets(store)) == ["run1", "run2", "run3", "run4"]


def test_a_link_in_a_markers_place_is_not_followed(store, searches, tmp_path):
    tickets_kept(store)
    (store.root / ".queue" / "tickets" / "run4").symlink_to(tmp_path / "outside")
    write_ticket(store.run("run4").paths, Ticket(position=4))
    assert not (tmp_path / "outside").exists()
    assert list(tickets(store)) == ["run1", "run2", "run3", "run4"]
