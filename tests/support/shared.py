"""Real models and data that some tests use where they are; elsewhere those tests skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("EDGEQ_SHARED", _REPOSITORY.parent / "shared"))

needs_shared = pytest.mark.skipif(
    not (SHARED / "models").is_dir(),
    reason=f"no real models at {SHARED} (set EDGEQ_SHARED)",
)

MLPERF_TINY = {
    "kws": "kws_ref_model.tflite",
    "vww": "vww_96_int8.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "ad": "ad01_int8.tflite",
}
# CRC-32 of the output for the byte generator's seed 1, as TFLite Micro computes it.
CHECK_VALUES = {"kws": "124a640e", "vww": "ccf8c6c3", "ic": "930f0c26", "ad": "3d1a6596"}


def shared_model(name: str) -> Path:
    """Return the path of a MLPerf Tiny model file; skip the test where it is not there."""
    path = SHARED / "models" / "mlperf_tiny" / MLPERF_TINY.get(name, name)
    if not path.exists():
        pytest.skip(f"no real model at {path} (set EDGEQ_SHARED)")
    return path
