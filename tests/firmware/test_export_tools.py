"""Each ecosystem's own tool takes the export. Slow: `make test-exports` installs the tools.

What cannot be installed is used where it lies: PICO_SDK_PATH, TFLM_DIR (with libtflm.a),
CMSIS_PACK_XSD.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from edgeq.core.processes import run
from edgeq.firmware.exports import ENGINES, Engine
from tests.firmware.exported import NAME, export_small, need_tool

pytestmark = pytest.mark.slow

_ZEPHYR = """
import sys
import kconfiglib
kconfiglib.Kconfig(sys.argv[1], warn_to_stderr=False)
"""


def _need_folder(variable: str) -> Path:
    folder = os.environ.get(variable)
    if not folder or not Path(folder).exists():
        pytest.skip(f"{variable} names no folder or file")
    return Path(folder)


def _python_beside(tool: str) -> str:
    return str(Path(os.path.realpath(need_tool(tool))).parent / "python")


def _succeed(argv: list[str], cwd: Path, **env: str) -> str:
    done = run(argv, timeout_s=900, cwd=cwd, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("engine", ENGINES)
def test_platformio_takes_the_library(engine: Engine, tmp_path: Path) -> None:
    pio, core = need_tool("pio"), str(tmp_path / "core")
    export_small(tmp_path / "x", "platformio", engine)
    packed = [pio, "pkg", "pack", "x", "-o", "x.tar.gz"]
    _succeed(packed, tmp_path, PLATFORMIO_CORE_DIR=core)
    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        assert {"library.json", f"src/{NAME}.h", "examples/run/src/run.h"} <= set(
            archive.getnames()
        )
    config = [pio, "project", "config", "-d", "x/examples/run"]
    _succeed(config, tmp_path, PLATFORMIO_CORE_DIR=core)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_esp_component_manager_packs_the_component(engine: Engine, tmp_path: Path) -> None:
    compote = need_tool("compote")
    export_small(tmp_path / "x", "esp-idf", engine)
    _succeed([compote, "-W", "component", "pack", "--name", NAME], tmp_path / "x")
    assert list((tmp_path / "x" / "dist").glob(f"{NAME}_*.tgz"))


@pytest.mark.parametrize("engine", ENGINES)
def test_zephyrs_kconfig_parses_the_module(engine: Engine, tmp_path: Path) -> None:
    python = _python_beside("west")  # of an environment that has kconfiglib too
    export_small(tmp_path / "x", "zephyr", engine)
    _succeed([python, "-c", _ZEPHYR, "x/zephyr/Kconfig"], tmp_path)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_pack_satisfies_the_schema_of_cmsis(engine: Engine, tmp_path: Path) -> None:
    xmllint, schema = need_tool("xmllint"), _need_folder("CMSIS_PACK_XSD")
    export_small(tmp_path / "x", "cmsis-pack", engine)
    _succeed([xmllint, "--noout", "--schema", str(schema), f"x/edgeq.{NAME}.pdsc"], tmp_path)


@pytest.mark.parametrize("board", ["pico", "pico2"])
def test_the_pico_sdk_builds_the_example(board: str, tmp_path: Path) -> None:
    sdk, cmake = _need_folder("PICO_SDK_PATH"), need_tool("cmake")
    need_tool("arm-none-eabi-g++")
    export_small(tmp_path / "x", "pico-sdk")
    flags = [f"-DPICO_BOARD={board}", "-DPICO_NO_PICOTOOL=1", "-DCMAKE_BUILD_TYPE=Release"]
    _succeed([cmake, "-S", "x/example", "-B", "b", *flags], tmp_path, PICO_SDK_PATH=str(sdk))
    _succeed([cmake, "--build", "b", "-j2"], tmp_path)
    assert (tmp_path / "b" / f"{NAME}_example.elf").is_file()


def test_tensorflow_lite_micro_gives_the_same_bytes_in_the_folder_and_the_cmake_export(
    tmp_path: Path,
) -> None:
    runtime, make = _need_folder("TFLM_DIR"), need_tool("make")
    parts = (".", "third_party/flatbuffers/include", "third_party/gemmlowp")
    includes = " ".join(f"-I{runtime / part}" for part in parts)
    record = export_small(tmp_path / "x", "folder", "tflm")
    said = _succeed(
        [make, "-s", "run", f"TFLM_LIB={runtime / 'libtflm.a'}", f"TFLM_INCLUDES={includes}",
         "CXXFLAGS=-O2 -DTF_LITE_STATIC_MEMORY"],
        tmp_path / "x",
    )  # fmt: skip
    assert f"crc32 {record.expected_crc32}: as edgeq computed" in said
    cmake = shutil.which("cmake")
    if cmake is None:
        pytest.skip("cmake is not installed")
    export_small(tmp_path / "y", "cmake", "tflm")
    folders = ";".join(str(runtime / part) for part in parts)
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C CXX)\n"
        "add_library(tflite-micro STATIC IMPORTED)\n"
        f'set_target_properties(tflite-micro PROPERTIES IMPORTED_LOCATION "{runtime}/libtflm.a"\n'
        f'  INTERFACE_INCLUDE_DIRECTORIES "{folders}"\n'
        "  INTERFACE_COMPILE_DEFINITIONS TF_LITE_STATIC_MEMORY)\nadd_subdirectory(y)\n"
        f"add_executable(app y/example/main.c)\ntarget_link_libraries(app {NAME}::{NAME})\n"
        "set_target_properties(app PROPERTIES LINKER_LANGUAGE CXX)\n"
    )
    for argv in (["-S", ".", "-B", "b"], ["--build", "b"]):
        _succeed([cmake, *argv], tmp_path)
    assert "as edgeq computed" in _succeed([str(tmp_path / "b" / "app")], tmp_path)


if sys.platform != "linux":
    pytestmark = [pytest.mark.slow, pytest.mark.skip(reason="the tools are tried on Linux")]
