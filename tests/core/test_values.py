"""The byte generator, units, and the table of requirements."""

from __future__ import annotations

import zlib

import pytest

from edgeq.core.errors import ToolchainError
from edgeq.core.installation import REQUIREMENTS, check_installation, require
from edgeq.core.lcg import generate_bytes
from edgeq.core.units import format_bytes, format_seconds


def test_generator_follows_its_recurrence() -> None:
    x = (1 * 1664525 + 1013904223) % 2**32
    y = (x * 1664525 + 1013904223) % 2**32
    assert generate_bytes(1, 2) == bytes([x >> 24, y >> 24])
    assert zlib.crc32(generate_bytes(1, 490)) == zlib.crc32(generate_bytes(1, 1000)[:490])


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (55_296, "54.0 KiB"), (3 << 20, "3.0 MiB")],
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5400, "5,400 s"),
        (2.1, "2.1 s"),
        (0.99996, "1 s"),
        (0.0123, "12.3 ms"),
        (8.5e-4, "850 us"),
        (0, "0 s"),
    ],
)
def test_seconds_for_people(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_doctor_has_a_row_and_an_install_command_for_each_requirement() -> None:
    rows = check_installation()
    assert [row.name for row in rows] == [r.name for r in REQUIREMENTS]
    assert all(row.install for row in rows)
    assert next(row for row in rows if row.name == "numpy").found


def test_a_missing_requirement_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolchainError) as caught:
        require("qemu-system-arm")
    assert caught.value.hint == "apt install qemu-system-arm"
