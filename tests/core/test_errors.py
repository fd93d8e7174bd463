"""Errors carry a cause, a hint and the documented exit code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core import errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.GateError, 1),
        (errors.UsageError, 2),
        (errors.InputError, 3),
        (errors.ToolchainError, 4),
        (errors.DeviceError, 5),
        (errors.InternalError, 6),
    ],
)
def test_every_error_class_has_its_exit_code(error: type[errors.EdgeqError], code: int) -> None:
    assert error("cause", hint="hint").exit_code == code


def test_every_error_class_is_in_the_drawn_tree() -> None:
    tree = errors.__doc__ or ""
    for error in errors.EdgeqError.__subclasses__():
        assert error.__name__ in tree


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    line = errors.one_line(text)
    assert line.isprintable()
    assert "\n" not in line


def test_terminal_escapes_in_a_cause_become_visible() -> None:
    assert errors.InputError("\x1b[31mred", hint="h").cause == "\\x1b[31mred"


def test_did_you_mean_names_the_nearest() -> None:
    assert errors.did_you_mean("virt-m5", ["virt-m4", "host"]) == " Did you mean virt-m4?"
    assert errors.did_you_mean("zzz", ["virt-m4"]) == ""
