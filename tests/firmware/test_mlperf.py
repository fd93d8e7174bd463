"""MLPerf Tiny's protocol: every command and every error, to the byte, on each kind of board."""

from __future__ import annotations

import time

import pytest

from edgeq.boards.profile import Board
from edgeq.boards.registry import list_boards
from edgeq.core.lcg import generate_bytes
from edgeq.core.records.firmware import Mode
from tests.support.mlperf import (
    Host,
    centred,
    expected_scores,
    laps,
    opened,
    scores,
    small_firmware,
    without_laps,
)

BOARDS = ("host", "virt-m4", "qemu-an386")
# QEMU 10.0 has the USART of the L4, which never asks for the next byte.
DEAF = "qemu-b-l475e-iot01a"


def _is_another(board: Board) -> bool:
    """Tell whether a board runs here, and has room for the reference's buffer."""
    if board.kind != "virtual" or board.id in (*BOARDS, DEAF):
        return False
    return board.region(board.build.data_region).size >= 64 << 10


OTHERS = [board.id for board in list_boards() if _is_another(board)]
IMAGE = generate_bytes(1, 64)
EXPECTING = "m-[Expecting {} bytes]\r\n"
UNEXPECTED = "e-[Command 'db' requires 'db load' first]\r\n"
ODD = "e-[Insufficent number of hex digits]\r\n"
NO_COUNT = "e-[Inference iterations must be >0]\r\n"
NO_WARMUP = "e-[Inference warmup must be >=0]\r\n"
SHORT = "e-[Input db has {} bytes, expected 64]\r\n"
BUFFER = "m-buffer-00-01-02-03-04-05-06-07\r\nm-buffer-08-09\r\n"

# What a command answers before m-ready, in this order, on a board that has just started.
SCRIPT: tuple[tuple[str, str], ...] = (
    ("name", "m-name-dut-[edgeq]\r\n"),
    ("profile", "m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[ic01]\r\n"),
    ("  name", "m-name-dut-[edgeq]\r\n"),
    ("name of it", "m-name-dut-[edgeq]\r\n"),
    ("names", "e-[Unknown command: names]\r\n"),
    ("nam", "e-[Unknown command: nam]\r\n"),
    ("\nname", "e-[Unknown command: \nname]\r\n"),
    ("", "e-[Unknown command: ]\r\n"),
    ("   ", "e-[Unknown command: ]\r\n"),
    ("x" * 100, f"e-[Unknown command: {'x' * 80}]\r\n"),
    ("db", "e-[Command 'db' requires a subcommand]\r\n"),
    ("db load", "e-[Command 'db load' requires the # of bytes]\r\n"),
    ("db load 0", "e-[Command 'db load' must be >0 bytes]\r\n"),
    ("db load -4", "e-[Command 'db load' must be >0 bytes]\r\n"),
    ("db load ten", "e-[Command 'db load' must be >0 bytes]\r\n"),
    ("db load 27649", "Supplied buffer size 27649 exceeds maximum of 27648\r\n"),
    ("db load 99999999999", "Supplied buffer size 2147483647 exceeds maximum of 27648\r\n"),
    ("db 00", UNEXPECTED),
    ("db print", ""),
    ("infer 1 0", SHORT.format(0)),
    ("db load 27648", EXPECTING.format(27648)),
    ("db load 10", EXPECTING.format(10)),
    ("db 123", ODD),
    ("db 12x4", "e-[Invalid hex digit 'x4']\r\n"),
    ("db 1g", "e-[Invalid hex digit '1g']\r\n"),
    ("db foo", ODD),
    ("db fool", "e-[Invalid hex digit 'fo']\r\n"),
    ("db print", "m-buffer-00-00-00-00-00-00-00-00\r\nm-buffer-00-00\r\n"),
    ("db 00010203", ""),
    ("db 040506070809zz0b", "m-load-done\r\n"),
    ("db 0c", UNEXPECTED),
    ("db print", BUFFER),
    ("db print 4 2", BUFFER),
    ("infer 1 0", SHORT.format(10)),
    ("infer 0", NO_COUNT),
    ("infer -1 0", NO_COUNT),
    ("infer x", NO_COUNT),
    ("infer 1 -1", NO_WARMUP),
    ("db load 8", EXPECTING.format(8)),
    ("db aBcDeF00fF102030", "m-load-done\r\n"),
    ("db print", "m-buffer-ab-cd-ef-00-ff-10-20-30\r\n"),
    ("db load 0", "e-[Command 'db load' must be >0 bytes]\r\n"),
    ("db print", ""),
)
STAMP = {"performance": "m-lap-us-N\r\n", "energy": ""}


def _infer(runs: int, warmup: int, mode: Mode, results: str) -> str:
    return (
        f"m-warmup-start-{warmup}\r\nm-warmup-done\r\nm-infer-start-{runs}\r\n"
        f"{STAMP[mode]}{STAMP[mode]}m-infer-done\r\n{results}"
    )


@pytest.mark.parametrize("mode", ["performance", "energy"])
@pytest.mark.parametrize(
    "board", [*BOARDS, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
)
def test_a_session_answers_every_command_and_error_exactly(board: str, mode: Mode) -> None:
    ready = small_firmware(board, mode)
    results = f"m-results-[{','.join(expected_scores(ready, centred(IMAGE)))}]\r\n"
    with opened(ready) as host:
        boot = f"m-timestamp-mode-{mode}\r\n{STAMP[mode]}m-init-done\r\n"
        assert without_laps(host.boot).decode() == boot
        for command, answer in SCRIPT:
            assert (command, host.ask(command).decode()) == (command, answer)
        assert "infer N [W]" in host.ask("help").decode()
        assert host.load(IMAGE) == b"m-load-done\r\n"
        for command, runs, warmup in (("infer 3 1", 3, 1), ("infer", 1, 10), ("infer 2", 2, 10)):
            answer = without_laps(host.ask(command)).decode()
            assert answer == _infer(runs, warmup, mode, results), command
        assert host.ask("results").decode() == results
        assert without_laps(host.ask("timestamp")).decode() == STAMP[mode]


def _time_of(host: Host, command: str) -> int:
    start, end = laps(host.ask(command))
    return end - start


@pytest.mark.parametrize("board", ["virt-m4", "qemu-an386"])
def test_time_stamps_count_the_boards_own_time(board: str) -> None:
    ready = small_firmware(board)
    with opened(ready) as host:
        before = laps(host.boot)
        host.load(IMAGE)
        once, tenfold = _time_of(host, "infer 1 0"), _time_of(host, "infer 10 5")
        after = laps(host.ask("timestamp"))
    assert before < after
    assert 0 < once < tenfold <= 10 * once + 10
    assert tenfold > 9 * once - 10


@pytest.mark.parametrize("board", ["virt-m0plus", "virt-m4"])
def test_a_virtual_board_sleeps_while_nothing_is_asked(board: str) -> None:
    ready = small_firmware(board)
    with opened(ready) as host:
        (before,) = laps(host.ask("timestamp"))
        time.sleep(0.5)
        (after,) = laps(host.ask("timestamp"))
    # Awake, it would have executed some 100 million instructions: two seconds of its own.
    assert 0 < after - before < 50_000


def test_an_inference_starts_from_the_loaded_input_each_time() -> None:
    ready = small_firmware("host")
    other = generate_bytes(2, 64)
    with opened(ready) as host:
        for raw in (IMAGE, other, IMAGE):
            host.load(raw)
            shown = host.ask("db print")
            for command in ("infer 1 0", "infer 5 0", "infer 1 3"):
                assert scores(host.ask(command)) == expected_scores(ready, centred(raw))
            assert host.ask("db print") == shown
