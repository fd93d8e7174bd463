"""A dataset's samples reach a worker as they are: every input, its name, type and values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.data.dataset import load_dataset
from edgeq.graph.writer import write_graph
from edgeq.sweep.engine import run_plan
from edgeq.sweep.plan import plan_sweep
from edgeq.sweep.samples import pack_samples, unpack_samples
from edgeq.sweep.store import Store
from tests.support.models import activation, one_op
from tests.support.sweeps import write_sweep
from tests.sweep.test_engine import Here, quiet

BODY = """
[[models]]
path = "two.tflite"
data = "two.toml"
[[options]]
name = "few"
samples = 5
seeds = 2
"""
TWO_ARRAYS = """schema = 1
id = "two"
name = "two"
licence = "CC0-1.0"
metric = "none"
[source]
kind = "local"
path = "two.npz"
[reader]
kind = "npz"
x = ["a", "b"]
[splits]
representative = { by = "rows", start = 0, stop = 10 }
evaluation = { by = "rows", start = 10, stop = 20 }
"""


@pytest.mark.parametrize("name", ["ratings", "intents", "digits"])
@pytest.mark.parametrize("split", ["representative", "evaluation"])
def test_what_is_unpacked_is_what_was_packed(name: str, split: str) -> None:
    dataset = load_dataset(name)
    sent = dataset.samples(split, 7)
    got = unpack_samples(pack_samples(dataset, split, 7), split).samples(split)
    assert (got.names, got.ids) == (sent.names, sent.ids)
    assert [x.dtype for x in got.inputs] == [x.dtype for x in sent.inputs]
    for x, wanted in zip(got.inputs, sent.inputs, strict=True):
        np.testing.assert_array_equal(x, wanted)


def test_the_hash_tells_the_inputs_apart() -> None:
    ratings = load_dataset("ratings")
    few, more = (pack_samples(ratings, "evaluation", n) for n in (5, 6))
    assert len({few.sha256, more.sha256, pack_samples(ratings, "train", 5).sha256}) == 3
    assert few.sha256 == pack_samples(ratings, "evaluation", 5).sha256


def test_a_model_of_two_inputs_is_validated_on_its_samples(tmp_path: Path) -> None:
    a, b, both = (activation((1, size)) for size in (4, 3, 7))
    (tmp_path / "two.tflite").write_bytes(
        write_graph(one_op("CONCATENATION", [a, b], both, {"axis": 1}))
    )
    body = '[[models]]\npath = "two.tflite"\ndata = "two.toml"\n'
    path = write_sweep(
        tmp_path,
        f'{body}[[options]]\nname = "few"\nsamples = 5\nseeds = 2',
        models=0,
        action="validate",
    )
    rows = np.arange(80, dtype=np.float32).reshape(20, 4) / 20
    np.savez(tmp_path / "two.npz", a=rows, b=rows[:, :3] + 1)
    (tmp_path / "two.toml").write_text(TWO_ARRAYS)
    plan = plan_sweep(path)
    with Store(tmp_path / "out") as store:
        run_plan(plan, store, Here(tmp_path / "work"), on_progress=quiet)
        record = store.find_cell(plan.cells[-1].key)
    assert record is not None
    assert record.outcome.failure is None
    assert record.outcome.validation is not None
    assert (record.outcome.validation.matched, record.outcome.validation.inputs) == (7, 7)
