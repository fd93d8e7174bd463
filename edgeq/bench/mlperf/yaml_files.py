"""YAML of the public runner, read safely: no tags, no aliases, no duplicate keys, bounded size."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from edgeq.core.errors import InputError, one_line
from edgeq.core.files import read_bytes
from edgeq.core.installation import require

MAX_YAML = 1 << 20
MAX_DEPTH = 32


def read_yaml(path: Path, what: str) -> Any:
    """Return what a YAML file holds.

    Raises:
        ToolchainError: PyYAML is not installed.
        InputError: it cannot be read, is too large, no YAML, or uses what no such file needs.
    """
    require("pyyaml")
    import yaml

    text = read_bytes(path, what=what, limit=MAX_YAML).decode("utf-8", "replace")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                reject(path, f"it nests more than {MAX_DEPTH} deep")
            if isinstance(event, yaml.AliasEvent):
                reject(path, "it has an alias (*name), which may stand for any amount of data")
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent) and event.tag:
                reject(path, f"it has a tag ({event.tag})")
        loaded = yaml.safe_load(text)
        _check_keys(yaml.compose(text, Loader=yaml.SafeLoader), path)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reject(path, f"it is no YAML: {one_line(str(error))[:200]}")
    return loaded


def reject(path: Path, why: str) -> NoReturn:
    """Raise InputError: the file is not what it should be."""
    raise InputError(
        f"{path}: {why}", hint="docs/mlperf.md has the form of device lists and test scripts"
    )


Fields = Mapping[str, tuple[type, ...]]


def check_fields(
    path: Path, where: str, found: Any, fields: Fields, required: tuple[str, ...]
) -> dict[str, Any]:
    """Return `found` where it is a mapping of `fields` alone, each of one of its types.

    Raises:
        InputError: it is not; the field is named.
    """
    if not isinstance(found, dict):
        reject(path, f"{where} is no mapping")
    for key, value in found.items():
        if key not in fields:
            reject(path, f"{where} has an unknown field {key!r}; known are {', '.join(fields)}")
        if type(value) not in fields[key]:
            reject(path, f"{where}: {key} is {value!r}")
    for key in required:
        if key not in found:
            reject(path, f"{where} has no field '{key}'")
    return found


def _check_keys(node: Any, path: Path) -> None:
    """Reject a mapping that has a key twice, of which YAML takes the last in silence."""
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _check_keys(child, path)
    if isinstance(node, yaml.MappingNode):
        seen: set[Hashable] = set()
        for key, child in node.value:
            if key.value in seen:
                reject(path, f"it has {key.value!r} twice in one mapping")
            seen.add(key.value)
            _check_keys(child, path)
