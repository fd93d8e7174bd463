"""A dataset's arrays reach the model's inputs that they are meant for, or are refused."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.core.errors import InputError
from edgeq.data.ports import Port, fit_inputs, fit_port, make_noise, match_inputs, port_name

USERS, ITEMS = np.arange(3, dtype=np.int32)[:, None], np.arange(3, 6, dtype=np.int32)[:, None]


def test_inputs_are_matched_by_name_whatever_their_order() -> None:
    first, second = match_inputs((USERS, ITEMS), ("user", "item"), ("item", "user"), "m")
    assert first is ITEMS
    assert second is USERS


def test_unnamed_inputs_keep_their_order() -> None:
    assert match_inputs((USERS, ITEMS), ("", ""), ("item", "user"), "m") == (USERS, ITEMS)


def test_a_single_input_needs_no_name() -> None:
    assert match_inputs((USERS,), ("user",), ("x",), "m") == (USERS,)


@pytest.mark.parametrize(
    ("inputs", "names", "message"),
    [
        ((USERS,), ("",), "has 2 inputs \\(item, user\\), a sample of the dataset has 1"),
        ((USERS, ITEMS), ("user", "shop"), "the dataset names user, shop"),
    ],
)
def test_inputs_that_do_not_fit_are_named(
    inputs: tuple[np.ndarray, ...], names: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        match_inputs(inputs, names, ("item", "user"), "m")


def test_axes_of_one_may_differ_and_open_ones_take_any_length() -> None:
    x = np.zeros((2, 8, 8), np.float32)
    assert fit_port(x, Port("x", (8, 8, 1), "float32"), "m").shape == (2, 8, 8, 1)
    assert fit_port(x, Port("x", (None, 8), "float32"), "m") is x
    with pytest.raises(InputError, match="takes samples of shape"):
        fit_port(x, Port("x", (8, 9), "float32"), "m")


def test_ids_may_come_as_whole_floats_and_not_as_fractions() -> None:
    port = Port("user", (1,), "int32")
    [fitted] = fit_inputs("m", [port], [USERS.astype(np.float32)], [""])
    assert fitted.dtype == np.int32
    np.testing.assert_array_equal(fitted, USERS)
    for wrong in (0.5, float("nan"), 1e12):
        with pytest.raises(InputError, match="int32 at its input 'user'"):
            fit_inputs("m", [port], [np.full((1, 1), wrong)], [""])


def test_a_tensors_name_loses_what_the_exporter_added() -> None:
    names = ("serving_default_user:0", "user", "a/b:1")
    assert [port_name(name) for name in names] == ["user", "user", "a/b"]


def test_noise_is_the_same_each_time_and_gives_the_first_row_of_tables() -> None:
    ports = (Port("x", (4,), "float32"), Port("ids", (2,), "int32"))
    first, second = make_noise(ports, 5), make_noise(ports, 5)
    np.testing.assert_array_equal(first[0], second[0])
    assert first[0].dtype == np.float32
    assert first[1].dtype == np.int32
    assert not first[1].any()
