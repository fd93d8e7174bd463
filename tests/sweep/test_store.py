"""The folder of a sweep: whole files, one sweep at a time, and nothing of others touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import UsageError
from edgeq.sweep.records import CellRecord, Outcome
from edgeq.sweep.store import Event, Store, read_journal
from tests.support.texts import edited

KEY = "ab" * 32
CELL = CellRecord(key=KEY, seconds=1.5, outcome=Outcome(status="ok"))


def test_a_cell_and_a_product_come_back_as_they_were(tmp_path: Path) -> None:
    with Store(tmp_path / "deep" / "out") as store:
        store.save_cell(CELL)
        store.save_product(KEY, b"bytes")
        assert store.find_cell(KEY) == CELL
        assert store.find_product(KEY) == b"bytes"
        assert store.find_product("cd" * 32) is None
        assert store.find_cell("cd" * 32) is None
    assert [p.name for p in (tmp_path / "deep" / "out" / "cells").iterdir()] == [f"{KEY}.json"]


def test_two_sweeps_do_not_work_in_one_folder(tmp_path: Path) -> None:
    other = Store(tmp_path)
    with Store(tmp_path), pytest.raises(UsageError, match="another sweep works in"):
        other.__enter__()
    with other:
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot write .*file"), Store(tmp_path / "file" / "out"):
        pass


@given(cut=st.integers(0, 150), flip=st.integers(0, 255))
def test_a_damaged_cell_is_as_good_as_none(cut: int, flip: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name, Store(Path(name)) as store:
        store.save_cell(CELL)
        path = Path(name) / "cells" / f"{KEY}.json"
        whole = path.read_bytes()
        path.write_bytes(whole[:cut] + bytes([flip]) * (cut % 3))
        assert store.find_cell(KEY) in (None, CELL)
        path.write_bytes(edited(whole, KEY.encode(), b"cd" * 32))
        assert store.find_cell(KEY) is None


@given(st.binary(max_size=20), st.integers(0, 60), st.integers(1, 255))
def test_a_damaged_product_is_as_good_as_none(product: bytes, place: int, change: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name, Store(Path(name)) as store:
        store.save_product(KEY, product)
        path = Path(name) / "products" / KEY
        data = bytearray(path.read_bytes())
        data[place % len(data)] ^= change
        path.write_bytes(data)
        assert store.find_product(KEY) is None
        path.write_bytes(data[:place])
        assert store.find_product(KEY) is None


def test_a_fresh_start_leaves_files_that_are_not_its_own(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.save_cell(CELL)
        store.save_product(KEY, b"")
        store.note("start", "bench", KEY)
        for name in ("mine.txt", "cells/notes.json", "products/mine.elf"):
            (tmp_path / name).write_text("mine")
        store.clear()
        assert store.find_cell(KEY) is None
        assert store.find_product(KEY) is None
        assert read_journal(tmp_path) == ()
    left = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["mine.elf", "mine.txt", "notes.json", "sweep.lock"]


def test_what_a_killed_sweep_was_about_to_write_is_removed(tmp_path: Path) -> None:
    for name in ("cells", "products"):
        (tmp_path / name).mkdir()
    remains = (
        f"cells/.{KEY[:40]}.abcd_123",
        f"products/.{KEY[:40]}.abcd_123",
        ".sweep.csv.x1y2z3_4",
    )
    for name in (*remains, ".mine", "cells/.mine.abcd_123"):
        (tmp_path / name).write_text("half")
    with Store(tmp_path):
        left = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert left == [".mine", ".mine.abcd_123", "sweep.lock"]


def test_a_journal_that_broke_off_gives_its_whole_lines(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        for event in ("start", "done"):
            store.note(event, "bench", KEY)
    path = tmp_path / "journal.jsonl"
    path.write_bytes(path.read_bytes() + b'{"event":"sta')
    assert read_journal(tmp_path) == tuple(
        Event(event=event, kind="bench", key=KEY) for event in ("start", "done")
    )
