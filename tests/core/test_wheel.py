"""The wheel holds what a checkout has at its top level: boards, templates, datasets."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_wheel_ships_every_board_template_and_dataset(tmp_path: Path) -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel")
    (built,) = wheel.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    names = set(zipfile.ZipFile(built).namelist())
    for folder in ("boards", "firmware_templates", "datasets"):
        files = (p for p in (ROOT / folder).rglob("*") if p.is_file())
        wanted = {f"edgeq/_shipped/{p.relative_to(ROOT)}" for p in files if p.name[0] != "."}
        assert wanted, folder
        assert wanted <= names, folder
    assert "edgeq/py.typed" in names
    recipes = (ROOT / "edgeq" / "convert" / "recipes" / "shipped").glob("*.toml")
    assert {str(p.relative_to(ROOT)) for p in recipes} <= names
    assert {n for n in names if n.startswith("edgeq/compile/kernels/")} >= {
        "edgeq/compile/kernels/plain/eq_conv.c",
        "edgeq/compile/kernels/plain/eq_base.h",
    }
