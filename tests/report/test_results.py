"""Results are read strictly: a hostile file is refused with its name and field."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.core.files import write_atomic
from edgeq.report.formats import to_json
from edgeq.report.results import read_subject
from tests.report.records import make_report
from tests.support.results import changed, make_energy, make_result, save
from tests.support.texts import edited

Change = Callable[[dict[str, Any]], Any]


def _set(path: str, value: Any) -> Change:
    def change(record: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            record = record[parent]
        record[last] = value

    return change


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    result = changed(make_result(), energy=make_energy([1e-3] * 5))
    subject = read_subject(save(result, tmp_path / "result.json"))
    assert subject.result == result
    assert (subject.evaluation, subject.validation) == (None, None)


def test_a_deploys_folder_gives_its_accuracy_and_validation_too(tmp_path: Path) -> None:
    report = make_report()
    write_atomic(tmp_path / "report.json", to_json(report))
    for path in (tmp_path, tmp_path / "report.json"):
        subject = read_subject(path)
        assert subject.result == report.result
        assert subject.evaluation == report.evaluation
        assert subject.validation == report.validation


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("schema", "edgeq.result/9"), "schema is 'edgeq.result/9'"),
        (_set("schema", 3), "schema"),
        (lambda record: record.update(schema="edgeq.error/1", cause="no board"), "no board"),
        (_set("extra", 1), "extra"),
        (_set("latency.median_s", "fast"), "latency.median_s"),
        (_set("latency.median_s", -1.0), "latency.median_s is -1"),
        (_set("latency.samples_s", [0.1, -0.2]), "latency.samples_s is -0.2"),
        (_set("latency.kind", "guessed"), "latency.kind"),
        (_set("memory.flash_bytes", -1), "memory.flash_bytes is -1"),
        (_set("memory.ram_bytes", 1.5), "memory.ram_bytes"),
        (_set("output.bit_exact", "yes"), "output.bit_exact"),
        (_set("energy.per_inference_j", -1e-3), "energy.per_inference_j is -0.001"),
        (_set("energy.windows", [None]), "energy.windows"),
        (lambda record: record.pop("board"), "board"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(
    tmp_path: Path, change: Change, words: str
) -> None:
    record = json.loads(to_json(changed(make_result(), energy=make_energy([1e-3] * 5))))
    change(record)
    path = tmp_path / "result.json"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError, match=r"result\.json") as caught:
        read_subject(path)
    assert words in caught.value.cause


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"schema": "edgeq.result/1"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"x\.json"):
        read_subject(path)


@pytest.mark.parametrize("number", ["1e999", "NaN", "Infinity", "-Infinity"])
def test_a_figure_that_is_no_number_is_refused(tmp_path: Path, number: str) -> None:
    text = edited(to_json(make_result()).decode(), '"median_s": 0.001', f'"median_s": {number}')
    assert number in text
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"x\.json"):
        read_subject(path)


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.json"):
        read_subject(tmp_path / "no.json")
    big = tmp_path / "big.json"
    with big.open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(InputError, match="bytes, more than"):
        read_subject(big)
    with pytest.raises(InputError, match=r"report\.json"):
        read_subject(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=4))
def test_damaged_bytes_give_a_result_or_a_named_error(
    tmp_path: Path, place: int, damage: bytes
) -> None:
    raw = bytearray(to_json(make_result()))
    start = place % len(raw)
    raw[start : start + len(damage)] = damage
    path = tmp_path / "x.json"
    path.write_bytes(raw)
    with contextlib.suppress(InputError):
        assert read_subject(path).result.latency.median_s >= 0
