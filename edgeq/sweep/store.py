"""The folder of a sweep: a file a finished piece of work, under its key.

    cells/KEY.json      a finished cell
    products/KEY        a converted model, a firmware
    journal.jsonl       a line for each start and each end, as it happened
    sweep.lock          held by the sweep that runs

Every file but the journal is written whole or not at all, so that a sweep that is killed finds
what it had finished. A damaged file is as good as none: its work is done again.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from edgeq.core.errors import UsageError
from edgeq.core.files import write_atomic
from edgeq.core.records import Record
from edgeq.sweep.records import CellRecord

CELLS, PRODUCTS, JOURNAL, LOCK = "cells", "products", "journal.jsonl", "sweep.lock"
DIGEST_BYTES = hashlib.sha256().digest_size
# How `write_atomic` calls a file until it is whole.
REMAINS = re.compile(r"\.([0-9a-f]{40}|sweep\.(json|csv|html))\.\w{8}\Z")
OURS = re.compile(r"[0-9a-f]{64}(\.json)?\Z")


class Event(Record, frozen=True, kw_only=True):
    """A line of the journal: work `start`s, and ends as `done` or `failed`."""

    event: str
    kind: str
    key: str


class Store:
    """The folder. Reading needs no more; to write, enter it: one sweep at a time has it.

    Raises:
        UsageError: when entered: another sweep has it, or it cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Store:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / LOCK, "ab")
        except (OSError, ValueError) as error:
            raise _cannot_write(self.folder, error) from error
        if not _take(file):
            file.close()
            raise UsageError(
                f"another sweep works in {self.folder}",
                hint="wait for it, or choose another folder with --out",
            )
        self._lock = file
        self._remove_remains()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._lock is not None:
            self._lock.close()

    def clear(self) -> None:
        """Forget all finished work; files that are not ours stay."""
        for name in (CELLS, PRODUCTS):
            for path in (self.folder / name).glob("*"):
                if OURS.match(path.name):
                    path.unlink(missing_ok=True)
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def _remove_remains(self) -> None:
        """Remove what a sweep that was killed was about to write."""
        for folder in (self.folder, self.folder / CELLS, self.folder / PRODUCTS):
            for path in folder.glob(".*"):
                if REMAINS.match(path.name):
                    path.unlink(missing_ok=True)

    def find_cell(self, key: str) -> CellRecord | None:
        """Return the finished cell of this key."""
        try:
            data = (self.folder / CELLS / f"{key}.json").read_bytes()
            record = msgspec.json.decode(data, type=CellRecord)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return record if record.key == key else None

    def save_cell(self, record: CellRecord) -> None:
        """Keep a finished cell."""
        text = msgspec.json.format(msgspec.json.encode(record), indent=2)
        write_atomic(self.folder / CELLS / f"{record.key}.json", text + b"\n")

    def find_product(self, key: str) -> bytes | None:
        """Return the product of this key."""
        try:
            data = (self.folder / PRODUCTS / key).read_bytes()
        except OSError:
            return None
        digest, product = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        return product if hashlib.sha256(product).digest() == digest else None

    def save_product(self, key: str, product: bytes) -> None:
        """Keep a product, its SHA-256 before it."""
        write_atomic(self.folder / PRODUCTS / key, hashlib.sha256(product).digest() + product)

    def note(self, event: str, kind: str, key: str) -> None:
        """Add a line to the journal, in one write."""
        line = msgspec.json.encode(Event(event=event, kind=kind, key=key)) + b"\n"
        path = self.folder / JOURNAL
        try:
            with open(path, "ab", buffering=0) as file:
                file.write(line)
        except OSError as error:
            raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError | ValueError) -> UsageError:
    return UsageError(
        f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
        hint="make room, or choose another folder with --out",
    )


def read_journal(folder: Path) -> tuple[Event, ...]:
    """Return what happened in the folder; a line that broke off is left out."""
    try:
        lines = (folder / JOURNAL).read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    events = []
    for line in lines:
        try:
            events.append(msgspec.json.decode(line, type=Event))
        except msgspec.MsgspecError:
            continue
    return tuple(events)


if sys.platform == "win32":

    def _take(file: IO[bytes]) -> bool:
        """Lock the file until it is closed; the system does so too when the process dies."""
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def _take(file: IO[bytes]) -> bool:
        """Lock the file until it is closed; the system does so too when the process dies."""
        import fcntl

        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
