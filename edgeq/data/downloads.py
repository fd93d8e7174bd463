"""Downloads: https alone, pinned by SHA-256, unpacked with care, and there wholly or not at all."""

from __future__ import annotations

import hashlib
import lzma
import os
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from edgeq.core.errors import InputError
from edgeq.core.files import confined
from edgeq.data.manifest import UrlSource

CHUNK = 1 << 20
TIMEOUT_S = 60
MAX_MEMBERS = 200_000
DAMAGE = (zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
Opener = Callable[[str], IO[bytes]]


def open_https(url: str) -> IO[bytes]:
    """Open an https URL; a redirect away from https is refused."""
    import urllib.error
    import urllib.request

    class HttpsOnly(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
            _require_https(newurl)
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    _require_https(url)
    try:
        stream: IO[bytes] = urllib.request.build_opener(HttpsOnly).open(url, timeout=TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot download {url}: {error}", hint="check the network") from error
    return stream


def _require_https(url: str) -> None:
    if not url.startswith("https://"):
        raise InputError(f"{url} is not an https URL", hint="correct source.url in the manifest")


def download(source: UrlSource, target: Path, *, opener: Opener = open_https) -> None:
    """Make the folder `target` from the download: its file, or its archive's members.

    Raises:
        InputError: too large, another SHA-256, or an archive with links or paths that lead outside.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as scratch:
        file, folder = Path(scratch, "file"), Path(scratch, "folder")
        folder.mkdir()
        _save(source, file, opener)
        if source.archive == "none":
            path = confined(folder, source.member)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, path)
        else:
            UNPACKERS[source.archive](file, folder, source.max_unpacked_bytes)
        try:
            os.replace(folder, target)
        except OSError:
            if not target.is_dir():  # another process may have been faster with the same content
                raise


def _save(source: UrlSource, file: Path, opener: Opener) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with opener(source.url) as stream, file.open("wb") as out:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                if size > source.max_bytes:
                    raise InputError(
                        f"{source.url} gives more than {source.max_bytes:,} bytes",
                        hint="correct source.max_bytes if this is right",
                    )
                digest.update(chunk)
                out.write(chunk)
    except OSError as error:
        raise InputError(
            f"downloading {source.url}: {error}", hint="try again; nothing was kept"
        ) from error
    if digest.hexdigest() != source.sha256:
        raise InputError(
            f"{source.url} has SHA-256 {digest.hexdigest()}, the manifest says {source.sha256}",
            hint="the file was changed at its source, or on its way; nothing was kept",
        )


def unpack_zip(file: Path, folder: Path, limit: int) -> None:
    """Unpack regular files and folders of a zip below `folder`, `limit` bytes at most."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_count(len(members))
            for member in members:
                if stat.S_ISLNK(member.external_attr >> 16):
                    raise _hostile(member.filename, "is a link")
                if not member.is_dir():
                    with archive.open(member) as stream:
                        limit -= _copy(stream, folder, member.filename, limit)
    except (zipfile.BadZipFile, *DAMAGE) as error:
        raise _hostile(file.name, f"is damaged: {error}") from error


def unpack_tar(file: Path, folder: Path, limit: int) -> None:
    """Unpack regular files and folders of a tar (plain, gz, bz2, xz), `limit` bytes at most."""
    try:
        with tarfile.open(file, "r:*") as archive:
            for count, member in enumerate(archive):
                _check_count(count)
                if member.isdir():
                    continue
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is None:
                    raise _hostile(member.name, "is a link or a device")
                limit -= _copy(stream, folder, member.name, limit)
    except (tarfile.TarError, *DAMAGE) as error:
        raise _hostile(file.name, f"is damaged: {error}") from error


def _copy(stream: IO[bytes], folder: Path, name: str, limit: int) -> int:
    path, size = confined(folder, name), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as out:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise _hostile(name, "unpacks to more than max_unpacked_bytes")
            out.write(chunk)
    path.chmod(0o644)
    return size


def _check_count(count: int) -> None:
    if count > MAX_MEMBERS:
        raise _hostile("the archive", f"holds more than {MAX_MEMBERS:,} members")


def _hostile(name: str, why: str) -> InputError:
    return InputError(f"archive member {name!r} {why}", hint="nothing was kept of the archive")


UNPACKERS: dict[str, Callable[[Path, Path, int], None]] = {"zip": unpack_zip, "tar": unpack_tar}
