"""Files are written whole or not at all, and never outside their folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edgeq.core.errors import InputError, UsageError
from edgeq.core.files import (
    confined,
    read_bytes,
    shipped_folder,
    write_atomic,
    write_together,
    write_tree,
)


def test_write_atomic_replaces_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_atomic(path, "one, a longer text")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomic(path, "old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UsageError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("folder", ["a", "b"])
def test_files_that_belong_together_are_written_together_or_not_at_all(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    with pytest.raises(UsageError, match=f"cannot write .*{folder}"):
        write_together({tmp_path / "a": "1", tmp_path / "b": b"2"})
    assert [p.name for p in tmp_path.rglob("*")] == [folder]
    (tmp_path / folder).rmdir()
    write_together({tmp_path / "a": "1", tmp_path / "b": b"2"})
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "1", "b": "2"}


def test_writing_below_a_file_is_a_usage_error(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", "x")
    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / "file" / "below", "y")


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/../../evil", "..\\evil", "C:\\evil", "a\x00b", "."]
)
def test_paths_that_leave_their_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        confined(tmp_path, name)


def test_write_tree_writes_nothing_when_one_name_is_evil(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_tree(tmp_path / "out", {"good.c": "x", "../evil.c": "y"})
    assert not (tmp_path / "out").exists()


def test_read_bytes_names_what_it_could_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read model"):
        read_bytes(tmp_path / "none.tflite", what="model")
    with pytest.raises(InputError, match="is a folder"):
        read_bytes(tmp_path, what="model")
    (tmp_path / "big").write_bytes(b"12345")
    with pytest.raises(InputError, match="5 bytes"):
        read_bytes(tmp_path / "big", what="model", limit=4)


@pytest.mark.parametrize("name", ["boards", "firmware_templates", "datasets"])
def test_shipped_folders_are_found(name: str) -> None:
    assert any(shipped_folder(name).iterdir())
