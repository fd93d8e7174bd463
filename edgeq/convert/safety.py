"""What a model file may not hold: scanned before Keras or TensorFlow sees it.

Keras' own safe mode is a help, not a wall: .h5 ignored it until 3.11.3 (GHSA-36rr-ww3j-vrjv) and
TFSMLayer passed it until 3.13.2 (CVE-2026-1462).
"""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from edgeq.core.errors import InputError, ToolchainError

MAX_MEMBERS = 1000
MAX_UNPACKED_BYTES = 2 << 30
MAX_CONFIG_BYTES = 64 << 20
MAX_RATIO = 200
SMALL_MEMBER_BYTES = 1 << 20
MAX_DEPTH = 100

CODE_CLASSES = frozenset(
    {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__"}
)
# Operators by which a graph calls Python or reaches files and hosts.
CODE_OPS = re.compile(
    rb"\x12.("
    rb"(Eager)?PyFunc(Stateless)?|ReadFile|WriteFile|MatchingFiles|WholeFileReader(V2)?|"
    rb"TextLine(Reader|ReaderV2|Dataset)|TFRecord(Reader|ReaderV2|Dataset)|"
    rb"FixedLengthRecord(Reader|Dataset)(V2)?|(Save|Load)Dataset(V2)?|DebugIdentity(V2|V3)?|"
    rb"Rpc(Server|Client|Call)|InitializeTableFromTextFile(V2)?|PrintV2"
    rb")(?!\w)",
    re.DOTALL,
)


def scan_source(source: Path) -> None:
    """Refuse a model that could run code, reach other files or unpack without end.

    Raises:
        InputError: it is refused; the cause names the file and what it holds.
        ToolchainError: h5py, which reads .h5, is not installed.
    """
    if source.is_symlink() and not source.exists():
        raise InputError(f"{source} leads nowhere", hint="name an existing model")
    if source.is_dir():
        scan_saved_model(source)
    elif scan := SCANS.get(source.suffix.lower()):
        scan(source)
    else:
        raise InputError(
            f"{source} is no model that edgeq converts",
            hint="give a .keras, .h5 or float .tflite file, or a SavedModel folder",
        )


def scan_keras(path: Path) -> None:
    """Refuse a .keras archive with hostile members, code in its config or links in its weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive.infolist())
            names = archive.namelist()
            if "config.json" not in names:
                raise _refusal(path, "no config.json")
            if archive.getinfo("config.json").file_size > MAX_CONFIG_BYTES:
                raise _refusal(path, "a config.json of more than 64 MiB")
            check_config(path, archive.read("config.json"))
            for name in names:
                if name.endswith(".h5"):
                    _check_hdf5(path, io.BytesIO(archive.read(name)))
    except (zipfile.BadZipFile, OSError, RuntimeError, EOFError, NotImplementedError) as error:
        raise _refusal(path, f"a damaged archive ({error})") from error


def scan_h5(path: Path) -> None:
    """Refuse an .h5 model with code in its config or links that leave the file."""
    config = _check_hdf5(path, path)
    if config is None:
        raise InputError(
            f"{path} holds weights without a model", hint="save the whole model: model.save(...)"
        )
    check_config(path, config)


def scan_tflite(path: Path) -> None:
    """Verify a .tflite."""
    from edgeq.graph.reader import read_model

    read_model(path)


def scan_saved_model(folder: Path) -> None:
    """Refuse a SavedModel whose graph calls Python or reads and writes files, or with links."""
    graph = folder / "saved_model.pb"
    if not graph.is_file():
        raise InputError(f"{folder} has no saved_model.pb", hint="name a SavedModel folder")
    total = 0
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise _refusal(folder, f"a symbolic link, {path.name}")
        total += path.stat().st_size
    if total > MAX_UNPACKED_BYTES:
        raise _refusal(folder, f"{total:,} bytes")
    # NodeDef.op is field 2, a string: the tag 0x12, its length, its bytes.
    if found := CODE_OPS.search(graph.read_bytes()):
        raise _refusal(folder, f"the operator {found.group(1).decode()}")


def check_config(path: Path, text: str | bytes) -> None:
    """Refuse a Keras model config that names code: Lambda, foreign modules, registered classes.

    Raises:
        InputError: also for a config that is no JSON object.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "a config that is no JSON") from error
    if not isinstance(config, dict):
        raise _refusal(path, "a config that is no JSON object")
    for item in _objects(path, config):
        _check_object(path, item)


def _objects(path: Path, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every JSON object that Keras would turn into one of its own."""
    stack: list[tuple[Any, int]] = [(config, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise _refusal(path, "a config nested too deeply")
        if isinstance(item, dict):
            yield item
            stack += [(v, depth + 1) for k, v in item.items() if k != "compile_config"]
        elif isinstance(item, list):
            stack += [(v, depth + 1) for v in item]


def _check_object(path: Path, item: dict[str, Any]) -> None:
    kind, module = item.get("class_name"), item.get("module")
    registered = item.get("registered_name")
    layer = _named(item)
    if isinstance(kind, str) and kind.rsplit(">", 1)[-1] in CODE_CLASSES:
        raise _refusal(path, f"a {kind} layer{layer}, which runs code of the file's author")
    if isinstance(kind, str) and ">" in kind:
        raise _refusal(path, f"the custom class {kind}{layer}")
    if kind is None:
        return
    if module is not None and not (isinstance(module, str) and _is_keras(module)):
        raise _refusal(path, f"the class {kind} of the module {module}{layer}")
    if isinstance(registered, str) and ">" in registered:
        raise _refusal(path, f"the custom class {registered}{layer}")


def _named(item: dict[str, Any]) -> str:
    """Return the name that a layer's config gives it, in words, '' without one."""
    config = item.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return f" ({name[:80]})" if isinstance(name, str) else ""


def _is_keras(module: str) -> bool:
    return module == "keras" or module.startswith(("keras.", "keras_", "tf_keras."))


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise _refusal(path, f"{len(members):,} members")
    if sum(m.file_size for m in members) > MAX_UNPACKED_BYTES:
        raise _refusal(path, "more than 2 GiB when unpacked")
    if len({m.filename for m in members}) != len(members):
        raise _refusal(path, "a member twice")
    for m in members:
        raw = m.orig_filename
        parts = raw.replace("\\", "/").split("/")
        if "\\" in raw or "\x00" in raw or ".." in parts or raw.startswith("/") or ":" in raw:
            raise _refusal(path, f"the member {raw!r}, which leads outside")
        if stat.S_ISLNK(m.external_attr >> 16):
            raise _refusal(path, f"a symbolic link, {raw!r}")
        if m.file_size > SMALL_MEMBER_BYTES and m.file_size > MAX_RATIO * max(1, m.compress_size):
            raise _refusal(path, f"the member {raw!r}, which unpacks {MAX_RATIO}-fold or more")


def _check_hdf5(path: Path, file: Path | IO[bytes]) -> str | bytes | None:
    """Refuse links and storage outside the HDF5 file; return its Keras model_config, if any."""
    try:
        import h5py
    except ImportError as error:
        raise ToolchainError(
            f"{path} needs h5py to be read",
            hint="install what converts: pip install edgeq[convert]",
        ) from error
    try:
        with h5py.File(file, "r") as root:
            _check_group(path, root, h5py, [0])
            config = root.attrs.get("model_config")
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise InputError(
            f"{path} is damaged, or no HDF5: {error}", hint="copy or save the file again"
        ) from error
    return config if isinstance(config, str | bytes) else None


def _check_group(path: Path, group: Any, h5py: Any, total: list[int], depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise _refusal(path, "groups nested too deeply")
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise _refusal(path, f"the link {name!r} in its HDF5")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_group(path, item, h5py, total, depth + 1)
        elif isinstance(item, h5py.Dataset):
            total[0] += int(item.nbytes)
            if item.external or item.is_virtual:
                raise _refusal(path, f"the dataset {name!r}, which lies in another file")
            if total[0] > MAX_UNPACKED_BYTES:
                raise _refusal(path, "weights of more than 2 GiB")


def _refusal(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} holds {what}",
        hint="edgeq runs no code of a model file and follows no link of it; save a plain model",
    )


SCANS: dict[str, Callable[[Path], None]] = {
    ".keras": scan_keras,
    ".h5": scan_h5,
    ".hdf5": scan_h5,
    ".tflite": scan_tflite,
}
