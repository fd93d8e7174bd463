"""Files: atomic writes, confined paths, the data that ships with edgeq."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgeq.core.errors import InputError, InternalError, UsageError

MAX_NAME = 255  # bytes of a file's name, in every usual file system


def shipped_folder(name: str) -> Path:
    """Return the shipped folder `name` (boards, firmware_templates or datasets).

    In a wheel it lies inside the package; in a checkout it stands at the top level.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_shipped" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise InternalError(
        f"the shipped folder '{name}' is missing from this installation",
        hint="reinstall edgeq: the wheel is incomplete",
    )


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part."""
    write_together({path: data})


def write_together(files: Mapping[Path, str | bytes]) -> None:
    """Write files that belong together: each atomically, and none before all are on the disk.

    Raises:
        UsageError: a file cannot be written.
    """
    ready: dict[str, Path] = {}
    path = Path()
    try:
        for place, data in files.items():
            path = Path(place)
            _stage(path, data.encode() if isinstance(data, str) else data, ready)
        for temporary, path in tuple(ready.items()):
            os.replace(temporary, path)
            del ready[temporary]
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from error
    finally:
        for temporary in ready:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _stage(path: Path, raw: bytes, ready: dict[str, Path]) -> None:
    """Write `raw` to a temporary file beside `path`, and name it in `ready`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():  # found out now, not when the files before it are in their places
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    ready[temporary] = path
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(temporary, 0o644)


def _cannot_write(path: Path, error: OSError | ValueError) -> UsageError:
    return UsageError(
        f"cannot write {path}: {getattr(error, 'strerror', None) or error}",
        hint="choose a folder that exists, is writable and has room",
    )


def refuse_missing(model: Path) -> None:
    """Raise InputError where there is no model at `model`, before work is done for it."""
    if not os.path.exists(model):
        raise InputError(f"there is no model {model}", hint="check the path")


def refuse_unwritable(path: Path) -> None:
    """Raise UsageError where no file can be written to `path`, before work is done for it."""
    place = Path(path).absolute()
    folder = next(p for p in place.parents if os.path.lexists(p))
    sound = os.path.isdir(folder) and os.access(folder, os.W_OK) and not os.path.isdir(place)
    if not sound or len(os.fsencode(place.name)) > MAX_NAME:
        raise UsageError(
            f"cannot write {path}", hint="choose a folder that exists, is writable and has room"
        )


def write_tree(folder: Path, files: dict[str, str]) -> None:
    """Write every file of `files` (relative path -> text) below `folder`, each atomically."""
    targets = {confined(folder, name): text for name, text in files.items()}
    for path, text in targets.items():
        write_atomic(path, text)


def confined(folder: Path, name: str) -> Path:
    """Return `folder / name`; raise InputError if it would lie outside `folder`."""
    base = Path(folder).resolve()
    try:
        place = None if "\x00" in name or "\\" in name else (base / name).resolve()
    except (OSError, RuntimeError):  # a loop of symbolic links
        place = None
    if place is None or base not in place.parents:
        raise InputError(
            f"path {name!r} leads outside its folder",
            hint="use plain relative names without '..', drive letters or backslashes",
        )
    return place


def read_bytes(path: Path, *, what: str, limit: int = 1 << 30) -> bytes:
    """Read a user's file of at most `limit` bytes; raise InputError naming `what` it should be."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file"
            raise InputError(f"{what} {path} is {kind}", hint="name a file")
        if size > limit:
            raise InputError(
                f"{what} {path} has {size:,} bytes, more than the {limit:,} that edgeq reads",
                hint="is this the right file?",
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InputError(
            f"cannot read {what} {path}: {getattr(error, 'strerror', None) or error}",
            hint="check the path and its permissions",
        ) from error


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of `data` as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()
