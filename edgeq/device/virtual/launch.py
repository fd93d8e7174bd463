"""Start virtual boards as processes and connect to them: Unicorn, QEMU, and the host itself."""

from __future__ import annotations

import contextlib
import json
import time

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, InputError, ToolchainError
from edgeq.core.installation import require
from edgeq.core.processes import Child, python_argv, spawn
from edgeq.device.streams import ProcessStream, SocketStream, Stream, process_ended
from edgeq.device.virtual.gate import GateEdge, read_edges
from edgeq.device.virtual.hook_build import find_hook

START_S = 60.0


class VirtualStream:
    """A socket to a virtual board that owns the board's process."""

    def __init__(self, child: Child, stream: Stream, name: str) -> None:
        self._child, self._stream, self._name = child, stream, name
        self._reported = b""

    def read(self, timeout_s: float) -> bytes:
        """Return what arrives within `timeout_s`; raise DeviceError where the board stopped."""
        try:
            return self._stream.read(timeout_s)
        except DeviceError as error:
            raise self._explain(error) from error

    def write(self, data: bytes) -> None:
        """Send all of `data`; raise DeviceError where the board stopped."""
        try:
            self._stream.write(data)
        except DeviceError as error:
            raise self._explain(error) from error

    def gate_edges(self, timeout_s: float) -> tuple[GateEdge, ...]:
        """Return the edges of the gate that are reported within `timeout_s`, as soon as any is.

        Raises:
            DeviceError: the board reported something else.
        """
        with contextlib.suppress(EOFError):
            self._reported += self._child.read(timeout_s)
        lines, newline, self._reported = self._reported.rpartition(b"\n")
        return tuple(read_edges(lines + newline))

    def close(self) -> None:
        """Close the socket and end the board's process."""
        self._stream.close()
        self._child.close()

    def _explain(self, error: DeviceError) -> DeviceError:
        """A board that is gone tells why in its last words."""
        if self._child.wait(1.0) is None:
            return error
        return process_ended(self._child, self._name)


def open_unicorn(board: Board, elf: str) -> Stream:
    """Start the board under Unicorn and connect to its UART.

    Raises:
        ToolchainError: unicorn is not installed.
        InputError: the firmware is not for this board.
        DeviceError: the board did not start.
    """
    require("unicorn")
    child = spawn(unicorn_argv(board, elf))
    try:
        port = read_ready(child, board.id)
        stream = SocketStream(f"socket://127.0.0.1:{port}")
    except BaseException:
        child.close()
        raise
    return VirtualStream(child, stream, f"virtual board '{board.id}'")


def unicorn_argv(board: Board, elf: str) -> list[str]:
    """Return the command that runs `elf` on the board under Unicorn."""
    hook = find_hook()
    argv = python_argv("edgeq.device.virtual.unicorn_board", "--elf", elf)
    argv += ["--core", board.core.arch, "--uart", hex(board.link.uart_base)]
    for region in board.memory:
        if not region.alias_of:
            argv += [f"--{region.kind}", f"{region.start:#x}:{region.size:#x}"]
    if board.timer is not None and board.timer.base:
        argv += ["--counter", hex(board.timer.base)]
    if not board.core.dsp:
        argv += ["--without", "dsp"]
    if board.core.fpu == "none":
        argv += ["--without", "fpu"]
    return argv + (["--hook", str(hook)] if hook else [])


def open_qemu(board: Board, elf: str) -> Stream:
    """Start QEMU with its UART on the standard streams.

    Raises:
        ToolchainError: QEMU for the board's core is not installed.
    """
    child = spawn(qemu_argv(board, require(qemu_program(board)), elf))
    return ProcessStream(child, f"QEMU board '{board.id}'")


def qemu_program(board: Board) -> str:
    """Return the name of the QEMU that has the board's core."""
    return "qemu-system-riscv32" if board.core.arch.startswith("rv") else "qemu-system-arm"


def qemu_argv(board: Board, program: str, elf: str) -> list[str]:
    """Return the command that runs `elf` under QEMU.

    `-icount shift=5` makes every instruction take 32 ns of the board's time, so that its timer
    counts instructions: instructions = ticks / timer hz / 32 ns (`qemu_instructions`).
    """
    return [
        program, "-M", board.flash.target, *board.flash.args,
        "-icount", f"shift={ICOUNT_SHIFT}",
        "-display", "none", "-monitor", "none", "-nodefaults",
        "-chardev", "stdio,id=link,signal=off", "-serial", "chardev:link",
        "-kernel", elf,
    ]  # fmt: skip


ICOUNT_SHIFT = 5


def qemu_instructions(ticks: int, timer_hz: int) -> int:
    """Return how many instructions QEMU executed in `ticks` of a timer of `timer_hz`.

    Exact to within one tick: 0.8 ticks an instruction at 25 MHz, 1.024 at 32 MHz.
    """
    return round(ticks * 1_000_000_000 / timer_hz / (1 << ICOUNT_SHIFT))


def open_host(board: Board, elf: str) -> Stream:
    """Start the host build, which speaks the protocol on its standard streams."""
    try:
        child = spawn([elf])
    except ToolchainError as error:
        raise InputError(f"cannot run {elf}: {error}", hint="build it again") from error
    return ProcessStream(child, f"host board '{board.id}'")


def read_ready(child: Child, board_id: str) -> int:
    """Return the port from the board's first line."""
    line = b""
    deadline = time.monotonic() + START_S
    while b"\n" not in line and time.monotonic() < deadline:
        try:
            line += child.read(0.5)
        except EOFError:
            break
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return int(json.loads(line)["port"])
    code = child.wait(1.0)
    words = child.last_words()
    if code == InputError.exit_code and words:
        raise InputError(words, hint="build the firmware for this board again")
    how = f"it stopped with signal {-code}" if code is not None and code < 0 else "it said nothing"
    raise DeviceError(
        f"virtual board '{board_id}' did not start: {words or how}",
        hint="run `edgeq doctor`; is the machine very busy?",
    )
