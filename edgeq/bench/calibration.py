"""Cycles an instruction on real silicon, core by core, from published results.

calibration.json is written by benchmarks/published.py from benchmarks/published.toml: a range that
other people's engines showed on other people's boards. docs/estimate.md says what that proves.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from edgeq.core.records import Record

CALIBRATION_FILE = Path(__file__).with_name("calibration.json")
# How far a count of the cost table may be off: every range is widened by it (tests hold it).
COUNT_TOLERANCE = 0.15

Basis = Literal["published", "proxy", "assumed"]


class CoreCalibration(Record, frozen=True, kw_only=True):
    """Cycles an instruction of one core: lowest, typical and highest.

    `counts` names the core of the cost table whose instructions are meant; `source` says where
    the range comes from. A `proxy` rests on an engine whose code is not known.
    """

    counts: str
    basis: Basis
    low: float
    typical: float
    high: float
    source: str


class Calibration(Record, frozen=True, kw_only=True):
    """Every core that anything is known about."""

    schema: Literal["edgeq.calibration/1"] = "edgeq.calibration/1"
    cores: dict[str, CoreCalibration]


@cache
def load_calibration() -> Calibration:
    """Return the calibration that ships with edgeq."""
    return msgspec.json.decode(CALIBRATION_FILE.read_bytes(), type=Calibration)
