"""The Python on a board that runs models: found, or installed where that was asked for."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.processes import Child, Completed, spawn
from edgeq.device.linux.interpreters import READY, RUNTIMES, find_interpreter, parse_python
from edgeq.device.linux.machine import LocalMachine
from edgeq.device.linux.replies import Facts, Probe
from tests.support.linux import FACTS

SYSTEM, OURS = ("python3",), ("/home/pi/.cache/edgeq/runtime/bin/python",)


def probe(runtime: str = "ai-edge-litert", *, numpy: bool = True, facts: Facts = FACTS) -> Probe:
    return Probe(facts=facts, runtime=runtime, runtime_version="1", numpy=numpy)


class FakeMachine(LocalMachine):
    """A board whose Pythons are a table; it notes the shell commands that it is asked to run."""

    name = "board"

    def __init__(self, pythons: dict[tuple[str, ...], Probe], installs: bool = True) -> None:
        self.pythons = pythons
        self.installs = installs
        self.asked: list[list[str]] = []

    def spawn(self, argv: Sequence[str]) -> Child:
        found = self.pythons.get(tuple(argv[:-1]))
        if found is None:
            return spawn(["sh", "-c", "exit 127"])
        line = msgspec.json.encode(found).decode()
        return spawn(["sh", "-c", 'printf "\nedgeq-reply %s\n" "$1"; cat', "x", line])

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 60.0, stdin: bytes | None = None
    ) -> Completed:
        self.asked.append(list(argv))
        if "-m venv" in " ".join(argv):
            if not self.installs:
                return Completed(72, "", "ERROR: No matching distribution found")
            self.pythons[OURS] = probe()
            return Completed(0, OURS[0] + "\n", "")
        return Completed(0, "".join(f"{p[0]}\n" for p in self.pythons if p == OURS), "")

    def put(self, source: Path, name: str) -> str:
        return f"/srv/edgeq/{name}"


def test_the_systems_python_is_used_where_it_has_a_runtime() -> None:
    machine = FakeMachine({SYSTEM: probe(), OURS: probe()})
    found = find_interpreter(machine, [SYSTEM])
    assert found.argv == ("python3", "/srv/edgeq/runner.py")
    assert not machine.asked


@pytest.mark.parametrize("system", [probe(""), probe(numpy=False), None])
def test_else_the_venv_that_edgeq_made_there(system: Probe | None) -> None:
    pythons = {OURS: probe()} | ({SYSTEM: system} if system else {})
    assert find_interpreter(FakeMachine(pythons), [SYSTEM]).python == OURS


def test_nothing_is_installed_unasked() -> None:
    machine = FakeMachine({SYSTEM: probe("")})
    with pytest.raises(DeviceError, match="neither ai-edge-litert nor tflite-runtime") as caught:
        find_interpreter(machine, [SYSTEM])
    assert "--install puts ai-edge-litert==2.3.0" in caught.value.hint
    assert not any("venv" in word for argv in machine.asked for word in argv if "-m" in word)


@pytest.mark.parametrize(
    ("bits", "python", "packages"),
    [
        (64, "3.11.2", "ai-edge-litert==2.3.0 numpy==2.2.6"),
        (64, "3.9.2", "tflite-runtime==2.14.0 numpy==1.26.4"),
        (32, "3.11.2", "tflite-runtime==2.14.0 numpy==1.26.4"),
    ],
)
def test_what_is_installed_fits_the_boards_python(bits: int, python: str, packages: str) -> None:
    facts = msgspec.structs.replace(FACTS, bits=bits, python=python)
    machine = FakeMachine({SYSTEM: probe("", facts=facts)})
    assert find_interpreter(machine, [SYSTEM], install=True).python == OURS
    (command,) = [argv for argv in machine.asked if packages in argv]
    assert command[-1] == "python3"


@pytest.mark.parametrize(("bits", "python"), [(32, "3.13.1"), (64, "3.7.3"), (32, "x")])
def test_a_python_for_which_there_is_no_runtime_is_named(bits: int, python: str) -> None:
    facts = msgspec.structs.replace(FACTS, bits=bits, python=python)
    with pytest.raises(DeviceError, match=f"no interpreter for Python {python} with {bits} bits"):
        find_interpreter(FakeMachine({SYSTEM: probe("", facts=facts)}), [SYSTEM], install=True)


def test_an_installation_that_fails_says_why() -> None:
    machine = FakeMachine({SYSTEM: probe("")}, installs=False)
    with pytest.raises(DeviceError, match="failed: ERROR: No matching distribution"):
        find_interpreter(machine, [SYSTEM], install=True)


def test_a_board_without_a_python_is_told() -> None:
    with pytest.raises(DeviceError, match="board: no Python at /usr/bin/python9"):
        find_interpreter(FakeMachine({}), [("/usr/bin/python9",)])


def test_every_runtime_pins_what_it_installs() -> None:
    assert all("==" in package for row in RUNTIMES for package in row.packages)
    assert READY not in {row.name for row in RUNTIMES}


@pytest.mark.parametrize("text", ["", "  ", "'", '"a', "-c", "--help"])
def test_a_python_that_is_no_command_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--python"):
        parse_python(text)


def test_a_python_may_be_an_emulators_command() -> None:
    words = ("env", "A=b c", "qemu-aarch64", "-L", "/root", "/root/usr/bin/python3.11")
    assert parse_python(shlex.join(words)) == words
