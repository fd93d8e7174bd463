"""A board of this computer, served at a port that any program opens."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import serial

from edgeq.cli.app import run
from edgeq.core.errors import UsageError
from edgeq.device.serving import open_outlet
from edgeq.device.streams import open_stream
from tests.support.mlperf import small_firmware

NAME = b"m-name-dut-[edgeq]\r\n"


@contextmanager
def _served(board: str, elf: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "edgeq", "boards", "serve", board, "--firmware", elf]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def _speak(port: str) -> None:
    """Be a program that knows nothing of edgeq but the protocol."""
    with serial.serial_for_url(port, baudrate=115200, timeout=30) as line:
        line.write(b"name%")
        assert line.read_until(b"m-ready\r\n") == NAME + b"m-ready\r\n"


@pytest.mark.parametrize("board", ["host", "virt-m4", "qemu-an386"])
def test_a_foreign_program_drives_it_over_tcp(board: str) -> None:
    ready = small_firmware(board)
    with _served(board, ready.image.elf, "--tcp", "0") as (process, port):
        assert port.startswith("socket://127.0.0.1:")
        for _ in range(3):
            _speak(port)
    assert process.returncode == 0


@pytest.mark.parametrize("board", ["host", "virt-m4"])
def test_a_foreign_program_drives_it_over_a_pseudo_terminal(board: str) -> None:
    ready = small_firmware(board)
    with _served(board, ready.image.elf, "--pty") as (process, port):
        for _ in range(2):
            _speak(port)
        with contextlib.closing(open_stream(port)) as stream:
            stream.write(b"db load 27648%")
            while b"m-ready" not in stream.read(1.0):
                pass
            # More than a terminal holds, and none of it is lost.
            stream.write(b"db print%")
            answer = b""
            while not answer.endswith(b"m-ready\r\n"):
                answer += stream.read(1.0)
            assert answer.count(b"m-buffer-") == 27648 // 8
    assert process.returncode == 0


def test_its_edges_are_printed_where_they_are_asked_for() -> None:
    ready = small_firmware("virt-m4", "energy")
    with (
        _served("virt-m4", ready.image.elf, "--tcp", "0", "--edges") as (process, port),
        contextlib.closing(open_stream(port)) as stream,
    ):
        stream.write(b"timestamp%")
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
    assert ['"gate":1' in line for line in lines] == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["virt-m4", "--firmware", "ELF"], 2, "--pty, or --tcp"),
        (["virt-m4", "--firmware", "ELF", "--pty", "--tcp", "0"], 2, "--pty, or --tcp"),
        (["virt-m4", "--firmware", "nothing.elf", "--pty"], 3, "nothing.elf"),
        (["virt-m0plus", "--firmware", "ELF", "--pty"], 3, "cortex-m0plus"),
        (["nucleo-l4r5zi", "--firmware", "ELF", "--pty"], 2, "does not run on this computer"),
    ],
)
def test_what_cannot_be_served_is_said(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    elf = small_firmware("virt-m4").image.elf
    assert run(["boards", "serve", *(elf if a == "ELF" else a for a in arguments)]) == code
    assert said in capsys.readouterr().err


def test_a_taken_port_is_a_usage_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(UsageError, match="--tcp"),
        open_outlet(taken.getsockname()[1]),
    ):
        pass
