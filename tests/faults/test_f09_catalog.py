"""F9: a catalog that is damaged costs no row and no note; what else can befall it is in tests/catalog."""

from __future__ import annotations

import random

import pytest

from simclr_tui.bench.fabric import make_store
from simclr_tui.catalog.catalog import Catalog
from simclr_tui.store.state import read_state, write_state
from tests.catalog.test_catalog import fresh, in_database, rows_of, twelve_runs

SEED = 9


@pytest.fixture
def store(tmp_path):
    return twelve_runs(tmp_path / "runs")


def damage(chance: random.Random, data: bytes) -> bytes:
    """A page, or part of one, overwritten; or the file cut."""
    start = chance.randrange(len(data) // 4096) * 4096
    kind = chance.randrange(5)
    if kind == 0:
        return data[:start] + chance.randbytes(4096) + data[start + 4096 :]
    if kind == 1:
        return data[:start] + bytes(4096) + data[start + 4096 :]
    if kind == 2:
        return data[: start + chance.randrange(4096)]
    at, length = start + chance.randrange(4000), chance.randrange(1, 96)
    noise = chance.randbytes(length) if kind == 3 else bytes(chance.choice(b"0123456789abc") for _ in range(length))
    return data[:at] + noise + data[at + length :]


def test_a_database_damaged_at_random_pages_costs_no_row(store, fault):
    Catalog(store).rows()
    path = store.root / "catalog.db"
    expected, good, chance = fresh(store), path.read_bytes(), random.Random(SEED)
    for number in range(fault("F9", 300, "damaged pages, each looked at three times", SEED)):
        path.write_bytes(damage(chance, good))
        assert rows_of(Catalog(store)) == expected, number
        # A change is what makes the next look write, and a second look find what was written.
        write_state(store.run("run1").paths, read_state(store.run("run1").paths))
        assert rows_of(Catalog(store)) == expected, number
        assert rows_of(Catalog(store)) == expected, number
        for aside in store.root.glob("catalog.db*damaged*"):
            aside.unlink()
    path.unlink()
    assert rows_of(Catalog(store)) == expected
    assert in_database(store).keys() == set(store.names())


def test_many_runs_are_indexed_rebuilt_and_looked_at_to_the_same_rows(tmp_path, fault):
    count = fault("F9", 10_000, "runs indexed, then rebuilt from their folders")
    store = make_store(tmp_path / "runs", count)
    first = rows_of(Catalog(store))
    assert [row["name"] for row in first] == store.names()
    assert len(first) == count
    assert rows_of(Catalog(store)) == first, "as they were packed"
    assert in_database(store).keys() == set(store.names())
    (store.root / "catalog.db").write_bytes(bytes(8192))
    assert Catalog(store).rebuild() == count
    assert rows_of(Catalog(store)) == first
