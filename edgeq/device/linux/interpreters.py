"""The Python on a Linux board that has an interpreter for .tflite models, found or installed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.linux.machine import RUNNER, Machine, ask_runner
from edgeq.device.linux.replies import Facts, Probe, Refusal, decode_probe

PROBE_S = 120.0
INSTALL_S = 1800.0
# A venv of ours is used where its installation came to its end: then it has the marker.
READY = ".edgeq-ready"
FIND_VENVS = (
    'for d in "${XDG_CACHE_HOME:-$HOME/.cache}"/edgeq/runtime-*; do '
    f'[ -e "$d/{READY}" ] && echo "$d/bin/python"; done; exit 0'
)
INSTALL = (
    'd="${XDG_CACHE_HOME:-$HOME/.cache}/edgeq/$1"; shift; n=$1; shift; '
    'rm -rf -- "$d"; mkdir -p "$d" && "$@" -m venv "$d" >&2 || exit 71; '
    '"$d/bin/python" -m pip install --disable-pip-version-check --no-input '
    "--only-binary=:all: $n >&2 || exit 72; "
    f'touch "$d/{READY}" && echo "$d/bin/python"'
)


@dataclass(frozen=True, slots=True)
class Runtime:
    """What is installed where: the packages and versions for Pythons of these versions."""

    bits: int
    first: tuple[int, int]
    last: tuple[int, int]
    name: str
    packages: tuple[str, ...]


RUNTIMES = (
    Runtime(64, (3, 10), (3, 13), "runtime-litert-2.3.0",
            ("ai-edge-litert==2.3.0", "numpy==2.2.6")),
    Runtime(64, (3, 9), (3, 9), "runtime-tflite-2.14.0",
            ("tflite-runtime==2.14.0", "numpy==1.26.4")),
    Runtime(32, (3, 9), (3, 11), "runtime-tflite-2.14.0",
            ("tflite-runtime==2.14.0", "numpy==1.26.4")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python on the machine, the runner's path there, and what the two found."""

    python: tuple[str, ...]
    runner: str
    probe: Probe

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that starts the runner."""
        return (*self.python, self.runner)


def parse_python(text: str) -> tuple[str, ...]:
    """Return the words of --python: a path, or an emulator's command in front of one.

    Raises:
        UsageError: it is empty, or its quotes do not match.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--python {text!r}: {error}", hint="close the quotes") from error
    if not words or words[0].startswith("-"):
        raise UsageError(f"--python {text!r} names no program", hint="e.g. /usr/bin/python3.11")
    return words


def find_interpreter(
    machine: Machine, candidates: Sequence[tuple[str, ...]], *, install: bool = False
) -> Interpreter:
    """Return the first of `candidates` (else of edgeq's own venvs there) that has a runtime.

    Args:
        install: where none has, make a private venv in the user's cache folder and install one.

    Raises:
        DeviceError: there is no Python, or none has a runtime.
    """
    runner = machine.put(RUNNER, "runner.py")
    last: Interpreter | None = None
    for python in _pythons(machine, candidates):
        found = _probe(machine, python, runner)
        if found is not None and found.probe.runtime and found.probe.numpy:
            return found
        last = last or found
    if last is None:
        raise DeviceError(
            f"{machine.name}: no Python at {shlex.join(candidates[0])}",
            hint="name one with --python, or install it: sudo apt install python3 python3-venv",
        )
    row = _runtime_for(machine, last.probe.facts)
    if not install:
        raise DeviceError(
            f"{machine.name}: {shlex.join(last.python)} has neither ai-edge-litert nor "
            "tflite-runtime with numpy",
            hint=f"--install puts {' and '.join(row.packages)} into a private venv in its "
            "~/.cache/edgeq",
        )
    return _install(machine, row, last)


def _pythons(machine: Machine, candidates: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield the candidates, then edgeq's own venvs, which are looked for only where needed."""
    yield from candidates
    done = machine.run(["sh", "-c", FIND_VENVS], timeout_s=PROBE_S)
    yield from ((line,) for line in sorted(done.stdout.splitlines()) if line.startswith("/"))


def _probe(machine: Machine, python: tuple[str, ...], runner: str) -> Interpreter | None:
    """Return what this Python has, None where there is no such Python."""
    try:
        line = ask_runner(machine, (*python, runner), {"verb": "probe"}, timeout_s=PROBE_S)
    except DeviceError:
        # An unknown command ends with 127 at once; a lost connection shows at the next command.
        machine.run(["true"], timeout_s=PROBE_S)
        return None
    found = decode_probe(line)
    return None if isinstance(found, Refusal) else Interpreter(python, runner, found)


def _runtime_for(machine: Machine, facts: Facts) -> Runtime:
    version = tuple(int(part) for part in facts.python.split(".")[:2] if part.isdecimal())
    for row in RUNTIMES:
        if row.bits == facts.bits and row.first <= version <= row.last:
            return row
    raise DeviceError(
        f"{machine.name}: there is no interpreter for Python {facts.python} with {facts.bits} bits "
        f"on {facts.machine}",
        hint="name another Python with --python: 3.10 to 3.13 with 64 bits, 3.9 to 3.11 with 32",
    )


def _install(machine: Machine, row: Runtime, base: Interpreter) -> Interpreter:
    argv = ["sh", "-c", INSTALL, "edgeq", row.name, " ".join(row.packages), *base.python]
    done = machine.run(argv, timeout_s=INSTALL_S)
    path = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode != 0 or not path.startswith("/"):
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DeviceError(
            f"{machine.name}: installing {' and '.join(row.packages)} failed: {said[:200]}",
            hint="sudo apt install python3-venv" if done.returncode == 71
            else "does the board reach its package index? pip says more there",
        )  # fmt: skip
    found = _probe(machine, (path,), base.runner)
    if found is None or not found.probe.runtime:
        raise DeviceError(f"{machine.name}: {path} has no runtime after it was installed",
                          hint=f"remove its folder and try again: rm -r {path[:-11]}")  # fmt: skip
    return found
