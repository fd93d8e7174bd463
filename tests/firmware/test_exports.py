"""Exports: what each ecosystem's specification asks for holds, and the library computes."""

from __future__ import annotations

import configparser
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from edgeq import api
from edgeq.core.errors import EdgeqError, UsageError
from edgeq.core.processes import run
from edgeq.firmware.exports import ENGINES, VERSION, Engine
from edgeq.firmware.toolchains import zig_program
from tests.firmware.exported import KINDS, NAME, export_small, need_tool

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
ARM = ["-mcpu=cortex-m4", "-mthumb"]
ZIG = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS)
def test_an_export_writes_what_its_record_says_the_same_each_time(
    kind: str, engine: Engine, tmp_path: Path
) -> None:
    first, second = (export_small(tmp_path / n / "x", kind, engine) for n in _folders(tmp_path))
    root = tmp_path / "a" / "x"
    found = {p.relative_to(root).as_posix(): p.read_bytes() for p in _contents(root)}
    assert set(found) == set(first.files)
    assert first == second
    for path, data in found.items():
        assert (tmp_path / "b" / "x" / path).read_bytes() == data
        assert b"{{" not in data or path.endswith(".pack")
        assert b"/tmp/" not in data


def _folders(tmp_path: Path) -> list[str]:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    return ["a", "b"]


def test_the_cmake_library_builds_and_gives_the_oracles_bytes(tmp_path: Path) -> None:
    cmake = need_tool("cmake")
    need_tool("gcc")
    record = export_small(tmp_path / "x", "cmake")
    for argv in (["-S", "x", "-B", "b", f"-DCMAKE_C_FLAGS={' '.join(STRICT)}"], ["--build", "b"]):
        done = run([cmake, *argv], timeout_s=120, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    done = run([str(tmp_path / "b" / f"{NAME}_example")], timeout_s=60)
    assert done.returncode == 0
    assert f"crc32 {record.expected_crc32}: as edgeq computed" in done.stdout


def test_another_project_links_the_cmake_library_by_its_namespace(tmp_path: Path) -> None:
    cmake = need_tool("cmake")
    export_small(tmp_path / "x", "cmake")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app CXX)\nadd_subdirectory(x)\n"
        f"add_executable(app main.cpp)\ntarget_link_libraries(app {NAME}::{NAME})\n"
    )
    (tmp_path / "main.cpp").write_text(
        f'#include "{NAME}.h"\nint main() {{ {NAME}_init(); {NAME}_invoke();'
        f" return {NAME}_output(0) == nullptr; }}\n"
    )
    for argv in (["-S", ".", "-B", "b"], ["--build", "b"]):
        done = run([cmake, *argv], timeout_s=120, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert run([str(tmp_path / "b" / "app")], timeout_s=60).returncode == 0


def test_two_models_go_into_one_program_whole(tmp_path: Path) -> None:
    cmake = need_tool("cmake")
    model = tmp_path / "m.tflite"
    export_small(tmp_path / "x", "cmake")
    (tmp_path / f"{NAME}.tflite").rename(model)
    api.export(model, kind="cmake", out=tmp_path / "y", name="second")
    whole = f"-Wl,--whole-archive {NAME} second -Wl,--no-whole-archive"
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C)\n"
        "add_subdirectory(x)\nadd_subdirectory(y)\n"
        f"add_executable(app main.c)\ntarget_link_libraries(app {whole})\n"
    )
    (tmp_path / "main.c").write_text(
        f'#include "{NAME}.h"\n#include "second.h"\n'
        f"int main(void) {{ {NAME}_init(); second_init(); {NAME}_invoke(); second_invoke();"
        f" return *(const char *){NAME}_output(0) != *(const char *)second_output(0); }}\n"
    )
    for argv in (["-S", ".", "-B", "b"], ["--build", "b"]):
        done = run([cmake, *argv], timeout_s=120, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    assert run([str(tmp_path / "b" / "app")], timeout_s=60).returncode == 0


def test_the_folder_runs_on_this_computer(tmp_path: Path) -> None:
    make = need_tool("make")
    record = export_small(tmp_path / "x", "folder")
    done = run([make, "-s", "run"], timeout_s=120, cwd=tmp_path / "x")
    assert done.returncode == 0, done.stderr
    assert f"crc32 {record.expected_crc32}: as edgeq computed" in done.stdout


@pytest.mark.parametrize("kind", ["folder", "cmake", "cmsis-pack"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_sources_build_for_a_microcontroller_without_a_warning(
    kind: str, engine: Engine, tmp_path: Path
) -> None:
    export_small(tmp_path / "x", kind, engine)
    (tmp_path / "libc").mkdir()
    (tmp_path / "libc" / "string.h").write_text(
        "#include <stddef.h>\nvoid *memcpy(void *, const void *, size_t);\n"
        "void *memmove(void *, const void *, size_t);\nvoid *memset(void *, int, size_t);\n"
    )
    sources = sorted((tmp_path / "x" / "src").glob("*.c"))
    assert sources
    compilers = [[need_tool("arm-none-eabi-gcc"), *ARM, "-ffreestanding"], [*zig_program(), *ZIG]]
    for compiler in compilers:
        flags = ["-std=c99", "-Os", "-Ilibc", *STRICT, "-c", "-o", "unit.o"]
        for source in sources:
            done = run([*compiler, *flags, str(source)], timeout_s=120, cwd=tmp_path)
            assert done.returncode == 0, done.stderr


def test_a_cpp_program_includes_the_header(tmp_path: Path) -> None:
    export_small(tmp_path / "x", "folder")
    program = f'#include "{NAME}.h"\nint main() {{ {NAME}_init(); return 0; }}\n'
    (tmp_path / "main.cpp").write_text(program)
    done = run(
        [need_tool("g++"), *STRICT, "-Ix/src", "-c", "main.cpp", "-o", "main.o"],
        timeout_s=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_arduino_library_follows_its_specification(tmp_path: Path) -> None:
    export_small(tmp_path / "x", "arduino")
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string("[x]\n" + (tmp_path / "x" / "library.properties").read_text())
    fields = dict(parser["x"])
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", fields["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["version"])
    assert fields["category"] in _CATEGORIES
    assert {"author", "maintainer", "sentence", "paragraph", "url", "architectures"} <= set(fields)
    assert (tmp_path / "x" / "src" / fields["includes"]).is_file()
    assert (tmp_path / "x" / "examples" / "run" / "run.ino").is_file()
    assert "\t" in (tmp_path / "x" / "keywords.txt").read_text()


# The Arduino library specification, "Library metadata", field category.
_CATEGORIES = (
    "Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing",
    "Data Storage", "Data Processing", "Other",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["arduino", "platformio"])
def test_the_sketch_compiles_against_the_core_that_it_asks_for(kind: str, tmp_path: Path) -> None:
    export_small(tmp_path / "x", kind)
    (tmp_path / "Arduino.h").write_text(_ARDUINO)
    sketch = next(
        (tmp_path / "x" / "examples").rglob("run.ino" if kind == "arduino" else "main.cpp")
    )
    (tmp_path / "sketch.cpp").write_text("#include <Arduino.h>\n" + sketch.read_text())
    folders = ["-I.", "-Ix/src", f"-I{sketch.parent}"]
    done = run(
        [need_tool("g++"), "-std=c++11", "-DARDUINO=10819", *STRICT, *folders, "-c", "sketch.cpp"],
        timeout_s=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


_ARDUINO = """
#pragma once
struct Stream { void begin(long); void println(const char *); };
extern Stream Serial;
void delay(unsigned long);
void setup();
void loop();
"""


def test_the_platformio_manifest_names_files_that_are_there(tmp_path: Path) -> None:
    export_small(tmp_path / "x", "platformio")
    manifest = json.loads((tmp_path / "x" / "library.json").read_text())
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert (tmp_path / "x" / "src" / manifest["headers"][0]).is_file()
    for example in manifest["examples"]:
        for file in example["files"]:
            assert (tmp_path / "x" / example["base"] / file).is_file()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_pack_names_files_that_are_there_and_in_its_archive(
    engine: Engine, tmp_path: Path
) -> None:
    export_small(tmp_path / "x", "cmsis-pack", engine)
    root = ElementTree.parse(tmp_path / "x" / f"edgeq.{NAME}.pdsc").getroot()
    assert [child.tag for child in root][:4] == ["vendor", "name", "description", "url"]
    files = [file.get("name", "") for file in root.iter("file")]
    assert files
    assert all((tmp_path / "x" / file).exists() for file in files)
    with zipfile.ZipFile(tmp_path / "x" / f"edgeq.{NAME}.{VERSION}.pack") as archive:
        held = set(archive.namelist())
    assert {f for f in files if not f.endswith("/")} | {f"edgeq.{NAME}.pdsc"} <= held


def test_the_zephyr_module_points_at_its_build_files(tmp_path: Path) -> None:
    export_small(tmp_path / "x", "zephyr")
    lines = (tmp_path / "x" / "zephyr" / "module.yml").read_text().splitlines()
    assert lines == [f"name: {NAME}", "build:", "  cmake: zephyr", "  kconfig: zephyr/Kconfig"]
    symbol = f"{NAME.upper()}_MODEL"
    assert f"config {symbol}\n" in (tmp_path / "x" / "zephyr" / "Kconfig").read_text()
    assert f"if(CONFIG_{symbol})" in (tmp_path / "x" / "zephyr" / "CMakeLists.txt").read_text()
    assert f"CONFIG_{symbol}=y\n" in (tmp_path / "x" / "samples" / "run" / "prj.conf").read_text()


@pytest.mark.parametrize(
    ("kind", "manifest"), [("esp-idf", "CMakeLists.txt"), ("zephyr", "zephyr/CMakeLists.txt")]
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_build_file_names_every_source(
    kind: str, manifest: str, engine: Engine, tmp_path: Path
) -> None:
    export_small(tmp_path / "x", kind, engine)
    text = (tmp_path / "x" / manifest).read_text()
    named = set(re.findall(r"src/(\w+\.c(?:pp)?)", text))
    assert named == {
        p.name for p in (tmp_path / "x" / "src").iterdir() if p.suffix in (".c", ".cpp")
    }


def test_the_tflm_library_is_sound_cpp_against_the_runtimes_interface(tmp_path: Path) -> None:
    export_small(tmp_path / "x", "folder", "tflm")
    for path, text in _RUNTIME.items():
        (tmp_path / "tf" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tf" / path).write_text(text)
    done = run(
        [need_tool("g++"), "-std=c++17", *STRICT, "-Itf", "-c", f"x/src/{NAME}.cpp", "-o", "x.o"],
        timeout_s=60, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# The part of TensorFlow Lite Micro's interface that the library uses.
_RUNTIME = {
    "tensorflow/lite/micro/micro_mutable_op_resolver.h": """
#pragma once
#include <cstddef>
#include <cstdint>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
namespace tflite {
class MicroOpResolver {};
template <unsigned n> class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddConv2D();
  TfLiteStatus AddDepthwiseConv2D();
  TfLiteStatus AddFullyConnected();
  TfLiteStatus AddReshape();
  TfLiteStatus AddSoftmax();
  TfLiteStatus AddMaxPool2D();
  TfLiteStatus AddAveragePool2D();
  TfLiteStatus AddAdd();
  TfLiteStatus AddMean();
};
}
""",
    "tensorflow/lite/micro/micro_interpreter.h": """
#pragma once
#include <cstddef>
#include <cstdint>
struct TfLiteTensor { struct { void* raw; } data; };
namespace tflite {
struct Model;
class MicroInterpreter {
 public:
  MicroInterpreter(const Model*, const MicroOpResolver&, uint8_t*, size_t);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(size_t);
  TfLiteTensor* output(size_t);
};
}
""",
    "tensorflow/lite/schema/schema_generated.h": """
#pragma once
namespace tflite { const Model* GetModel(const void*); }
""",
}


def test_another_ones_files_are_never_mixed_with_an_export(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "main.c").write_text("mine")
    with pytest.raises(UsageError, match="holds other files already"):
        export_small(tmp_path / "x", "folder")
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["main.c"]


def test_an_export_again_keeps_what_was_built_and_leaves_nothing_stale(tmp_path: Path) -> None:
    export_small(tmp_path / "x", "folder", "tflm")
    (tmp_path / "x" / "build").mkdir()
    (tmp_path / "x" / "build" / "main.o").write_text("built")
    record = export_small(tmp_path / "x", "folder")
    held = {p.relative_to(tmp_path / "x").as_posix() for p in _contents(tmp_path / "x")}
    assert held == {*record.files, "build/main.o"}


def test_a_hostile_record_removes_nothing_outside_the_folder(tmp_path: Path) -> None:
    record = export_small(tmp_path / "x", "folder")
    evil = msgspec.structs.replace(record, files=("../keep.txt", str(tmp_path / "keep.txt")))
    (tmp_path / "keep.txt").write_text("mine")
    (tmp_path / "x" / "edgeq-export.json").write_bytes(msgspec.json.encode(evil))
    with pytest.raises(EdgeqError):
        export_small(tmp_path / "x", "folder")
    assert (tmp_path / "keep.txt").read_text() == "mine"


def test_an_unknown_export_names_its_neighbour(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean platformio"):
        export_small(tmp_path / "x", "platfromio")
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "name", ["../evil", 'a"; rm -rf /', "$(reboot)", "a\nb", "*/", "{{7*7}}", "int"]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_name_becomes_an_identifier(kind: str, name: str, tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    export_small(tmp_path / "first", "folder")
    (tmp_path / f"{NAME}.tflite").rename(model)
    record = api.export(model, kind=kind, out=tmp_path / "x", name=name)
    assert re.fullmatch(r"[a-z_][a-z0-9_]{0,30}", record.name)
    assert {p.name for p in tmp_path.iterdir()} == {"first", "x", "m.tflite"}
    if name in ("../evil", "$(reboot)", "{{7*7}}"):
        assert not any(name.encode() in p.read_bytes() for p in _contents(tmp_path / "x"))


def _contents(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]
