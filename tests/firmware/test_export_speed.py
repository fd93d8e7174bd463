"""The loops that are the time of an inference are compiled for speed where a build file can say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edgeq.core.processes import run
from tests.firmware.exported import NAME, export_small, need_tool

BUILD_FILES = {
    "cmake": "CMakeLists.txt",
    "pico-sdk": "CMakeLists.txt",
    "esp-idf": "CMakeLists.txt",
    "zephyr": "zephyr/CMakeLists.txt",
}


@pytest.mark.parametrize("kind", BUILD_FILES)
def test_a_build_file_gives_its_speed_flag_to_sources_that_exist(kind: str, tmp_path: Path) -> None:
    export_small(tmp_path / "x", kind)
    text = (tmp_path / "x" / BUILD_FILES[kind]).read_text()
    block = re.search(r"set_source_files_properties\((.*?)PROPERTIES", text, re.DOTALL)
    assert block
    named = {Path(word.strip('"')).name for word in block[1].split()}
    held = {p.name for p in (tmp_path / "x" / "src").glob("*.c")}
    assert named
    assert named <= held - {f"{NAME}.c"}


def test_cmake_compiles_them_with_the_flag_in_a_build_for_size(tmp_path: Path) -> None:
    cmake = need_tool("cmake")
    export_small(tmp_path / "x", "cmake")
    options = ["-DCMAKE_BUILD_TYPE=MinSizeRel", "-DCMAKE_EXPORT_COMPILE_COMMANDS=1"]
    done = run([cmake, "-S", "x", "-B", "b", *options], timeout_s=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    commands = json.loads((tmp_path / "b" / "compile_commands.json").read_text())
    last = {Path(c["file"]).name: re.findall(r"-O\w", c["command"])[-1] for c in commands}
    assert last["eq_conv.c"] == "-O2"
    assert last[f"{NAME}.c"] == "-Os"
