"""Sensitivity: every layer with weights is lowered and spared, judged and sorted."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.convert.sensitivity import measure_sensitivity
from edgeq.core.errors import InputError, UsageError
from edgeq.data.dataset import Dataset
from edgeq.report.formats import to_csv
from edgeq.report.sensitivity import sensitivity_tables

pytestmark = [
    pytest.mark.convert,
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.usefixtures("here"),
]


@pytest.mark.parametrize("kernels", ["optimized", "reference"])
def test_layers_are_named_judged_and_sorted(model: Path, data: Dataset, kernels: str) -> None:
    record = measure_sensitivity(model, data, scheme="int4", kernels=kernels, samples=40)  # type: ignore[arg-type]
    assert {layer.layer for layer in record.layers} == {"conv", "depthwise", "head"}
    assert (record.base_scheme, record.metric, record.samples) == ("int8", "top1", 40)
    assert record.all_lowered.sqnr_db < record.base.sqnr_db
    lowered = [layer.lowered.sqnr_db for layer in record.layers if layer.lowered]
    spared = [layer.spared.sqnr_db for layer in record.layers if layer.spared]
    assert lowered == sorted(lowered)
    assert len(lowered) == len(spared) == 3
    assert max(lowered) <= record.base.sqnr_db + 0.5
    assert sum(layer.weights for layer in record.layers) == 36 + 36 + 64 * 3
    assert all(layer.lowered and layer.lowered.change for layer in record.layers)


def test_activations_of_every_layer_count_where_types_differ_in_them(
    model: Path, data: Dataset
) -> None:
    record = measure_sensitivity(model, data, scheme="int8", sort="accuracy", samples=30)
    assert record.base_scheme == "int16x8"
    assert record.sorted_by == "accuracy"
    assert len(record.layers) >= 3
    assert record.base.sqnr_db > record.all_lowered.sqnr_db
    summary, layers = sensitivity_tables(record)
    assert len(layers.rows) == len(record.layers)
    assert "95 % sure" in to_csv(summary)


def test_wrong_questions_are_refused(model: Path, data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean int8, int4"):
        measure_sensitivity(model, data, scheme="int5")
    with pytest.raises(UsageError, match="both be int8"):
        measure_sensitivity(model, data, scheme="int8", base="int8")
    with pytest.raises(InputError, match="no model"):
        measure_sensitivity(tmp_path / "none.keras", data)
