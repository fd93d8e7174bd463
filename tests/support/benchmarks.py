"""The programs in benchmarks/, imported as modules."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load_benchmark(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return benchmarks/NAME.py as a module; what it imports from its folder is found too."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(name)


def benchmark(name: str) -> Any:
    """Return a fixture: benchmarks/NAME.py as a module."""

    @pytest.fixture
    def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        return load_benchmark(name, monkeypatch)

    return module
