"""Inputs reach the board as the bytes that the model's ports take."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from edgeq.bench.inputs import (
    ModelInput,
    as_arrays,
    generate_input,
    parse_input,
    quantize_sample,
    quantize_samples,
)
from edgeq.core.errors import InputError, UsageError
from edgeq.core.lcg import generate_bytes
from edgeq.core.records import PortRecord
from edgeq.data.dataset import Samples


def _port(dtype: str = "int8", shape: tuple[int, ...] = (1, 4), scale: float = 0.5) -> PortRecord:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return PortRecord(
        name="x", tensor=0, shape=shape, dtype=dtype, bytes=size, offset=0, scale=scale,
        zero_point=-3,
    )  # fmt: skip


def _quantised(port: PortRecord, values: np.ndarray) -> list[np.ndarray]:
    return as_arrays([port], ModelInput(name="s", ports=(quantize_sample(port, values, "s"),)))


@pytest.mark.parametrize(
    "spec", ["", "lcg", "lcg:", "lcg:-1", "lcg:1.5", "file:x", "lcg:4294967296"]
)
def test_a_malformed_input_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="lcg:SEED"):
        parse_input(spec)


def test_ports_share_one_run_of_the_generator() -> None:
    item = generate_input([_port(), _port()], parse_input("lcg:7"))
    assert b"".join(item.ports) == generate_bytes(7, 8)
    assert item.name == "lcg:7"


def test_float_ports_take_bytes_as_parts_of_128() -> None:
    item = generate_input([_port("float32")], 1)
    x = np.frombuffer(item.ports[0], np.float32)
    assert np.array_equal(x * 128, np.frombuffer(generate_bytes(1, 4), np.int8))


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=4, max_size=4))
def test_quantised_samples_are_within_half_a_step(values: list[float]) -> None:
    port = _port()
    [q] = _quantised(port, np.array(values, np.float32))
    real = 0.5 * (q.reshape(-1).astype(float) + 3)
    inside = np.clip(values, 0.5 * (-128 + 3), 0.5 * (127 + 3))
    assert np.all(np.abs(real - inside) <= 0.25 + 1e-6)


def test_halves_are_rounded_away_from_zero() -> None:
    port = _port()
    [q] = _quantised(port, np.array([0.25, -0.25, 0.75, -0.75]))
    assert q.reshape(-1).tolist() == [1 - 3, -1 - 3, 2 - 3, -2 - 3]


def test_a_sample_of_another_size_is_named() -> None:
    with pytest.raises(InputError, match="digit 3 has 5 elements"):
        quantize_sample(_port(), np.zeros(5, np.float32), "digit 3")


def test_several_inputs_find_their_ports_by_name_and_ids_stay_what_they_are() -> None:
    ids = PortRecord(
        name="serving_default_user:0", tensor=1, shape=(1, 2), dtype="int32", bytes=8, offset=0
    )
    age = replace(_port(), name="age")
    samples = Samples(
        (np.array([[0.5, 1, 0, 0]], np.float32), np.array([[7, 1 << 30]], np.int32)),
        None,
        ("first",),
        ("age", "user"),
    )
    [item] = quantize_samples([ids, age], samples, "m")
    user, years = as_arrays([ids, age], item)
    assert item.name == "first"
    assert user.tolist() == [[7, 1 << 30]]
    assert years.tolist() == [[-2, -1, -3, -3]]
    with pytest.raises(InputError, match="int32 at its input"):
        quantize_sample(ids, np.array([0.5, 1]), "half")
