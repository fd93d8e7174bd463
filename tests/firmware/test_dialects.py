"""What a firmware speaks is chosen by the model, the board and the user, or refused in words."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgeq import api
from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board, list_boards
from edgeq.cli.app import run
from edgeq.compile import compile_graph
from edgeq.core.errors import UsageError
from edgeq.core.records import EDGEQ, CompiledModel, Plan, PortRecord, ProtocolRecord
from edgeq.firmware.build import build_firmware
from edgeq.firmware.dialects import BUFFER_BYTES, ENERGY_BAUD, find_dialect, find_task
from edgeq.firmware.toolchains import TOOLCHAINS, Toolchain, is_installed, target_of
from tests.support.mlperf import small_model
from tests.support.small_cnn import small_cnn
from tests.support.tiny_model import tiny_model

TEMPLATED = [board for board in list_boards() if board.build.template]
MLPERF = ProtocolRecord(name="mlperf", model="ic01")


def _plan(inputs: int, outputs: int, *, name: str = "model", dtype: str = "int8") -> Plan:
    plan = tiny_model().plan
    size = 4 if dtype == "float32" else 1

    def port(base: PortRecord, count: int) -> PortRecord:
        return msgspec.structs.replace(base, shape=(1, count), bytes=count * size, dtype=dtype)

    return msgspec.structs.replace(
        plan,
        name=name,
        inputs=(port(plan.inputs[0], inputs),),
        outputs=(port(plan.outputs[0], outputs),),
    )


@pytest.mark.parametrize(
    ("inputs", "outputs", "name", "task"),
    [
        (3072, 10, "resnet", "ic01"),
        (27648, 2, "mobilenet", "vww01"),
        (490, 12, "dscnn", "kws01"),
        (640, 640, "autoencoder", "ad01"),
        (64, 10, "kws_small", "kws01"),
        (64, 10, "my_vww01_int8", "vww01"),
        (640, 640, "not_kws", "ad01"),
    ],
)
def test_the_task_is_told_by_the_shapes_and_else_by_the_name(
    inputs: int, outputs: int, name: str, task: str
) -> None:
    assert find_task(_plan(inputs, outputs, name=name), None) == task


@pytest.mark.parametrize(
    ("plan", "protocol", "board", "traced", "problem"),
    [
        (_plan(9, 9), msgspec.structs.replace(MLPERF, model=None), "virt-m4", False, "no model of"),
        (_plan(9, 9, name="topic"), ProtocolRecord(name="mlperf"), "virt-m4", False, "no model of"),
        (_plan(9, 9), msgspec.structs.replace(MLPERF, model="ic99"), "virt-m4", False, "'ic99'"),
        (_plan(9, 9), msgspec.structs.replace(MLPERF, model="strww01"), "host", False, "microph"),
        (_plan(9, 9), msgspec.structs.replace(MLPERF, vendor="a]b"), "virt-m4", False, "vendor"),
        (_plan(9, 9), msgspec.structs.replace(MLPERF, vendor='"\n'), "virt-m4", False, "vendor"),
        (_plan(9, 9, dtype="float32"), MLPERF, "virt-m4", False, "no float32 input"),
        (_plan(9, 9, dtype="int16"), MLPERF, "virt-m4", False, "no int16 input"),
        (_plan(9, 3), msgspec.structs.replace(MLPERF, model="ad01"), "host", False, "3 values for"),
        (_plan(9, 9), MLPERF, "virt-m4", True, "does not report layers"),
        (_plan(9, 9), ProtocolRecord(mode="energy"), "virt-m4", False, "are MLPerf Tiny's"),
        (_plan(9, 9), ProtocolRecord(model="ic01"), "virt-m4", False, "are MLPerf Tiny's"),
    ],
)
def test_what_cannot_be_spoken_is_refused(
    plan: Plan, protocol: ProtocolRecord, board: str, traced: bool, problem: str
) -> None:
    with pytest.raises(UsageError) as caught:
        find_dialect(protocol, plan, find_board(board), traced=traced)
    assert problem in str(caught.value)
    assert caught.value.hint


def test_a_model_of_two_inputs_is_refused() -> None:
    plan = _plan(9, 9)
    two = msgspec.structs.replace(plan, inputs=plan.inputs * 2)
    with pytest.raises(UsageError, match="one input and one output"):
        find_dialect(MLPERF, two, find_board("host"), traced=False)


def test_energy_mode_slows_the_link_and_needs_a_pin() -> None:
    energy = msgspec.structs.replace(MLPERF, mode="energy")
    board = find_board("nucleo-l4r5zi")
    dialect = find_dialect(energy, _plan(9, 9), board, traced=False)
    assert (dialect.baud, dialect.pulsed, dialect.mode) == (ENERGY_BAUD, True, "energy")
    blind = msgspec.structs.replace(board, gate=None)
    with pytest.raises(UsageError, match="no pin for the time stamps"):
        find_dialect(energy, _plan(9, 9), blind, traced=False)
    assert find_dialect(MLPERF, _plan(9, 9), blind, traced=False).baud == 0
    assert find_dialect(EDGEQ, _plan(9, 9), blind, traced=True).protocol == "edgeq"


def test_the_buffer_is_the_references_where_there_is_room() -> None:
    plan = _plan(490, 12)
    sizes = {
        name: find_dialect(MLPERF, plan, find_board(name), traced=False).names["buffer_bytes"]
        for name in ("virt-m4", "nucleo-l432kc", "bbc-microbit-v1")
    }
    assert sizes == {"virt-m4": BUFFER_BYTES, "nucleo-l432kc": BUFFER_BYTES, "bbc-microbit-v1": 490}


def test_the_image_says_what_it_speaks(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    model = small_model(tmp_path)
    spoken = ProtocolRecord(name="mlperf", mode="energy", model="kws01", vendor="Some One")
    image = api.build(model, board="virt-m4", out=tmp_path / "a", protocol=spoken)
    assert (image.protocol, image.mode, image.baud) == ("mlperf", "energy", ENERGY_BAUD)
    assert b"m-name-dut-[Some One]" in Path(image.elf).read_bytes()
    plain = api.build(model, board="virt-m4", out=tmp_path / "b")
    assert (plain.protocol, plain.mode, plain.baud) == ("edgeq", "", 0)


def test_the_command_line_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ziglang")
    model = str(small_model(tmp_path))
    spoken = ["--protocol", "mlperf", "--mode", "energy", "--mlperf-vendor", "Some One"]
    out = ["--board", "virt-m4", "--out", str(tmp_path / "fw"), "--format", "json"]
    assert run(["build", model, *out, *spoken, "--mlperf-model", "kws01"]) == 0
    image = msgspec.json.decode(capsys.readouterr().out)
    assert (image["protocol"], image["mode"], image["baud"]) == ("mlperf", "energy", ENERGY_BAUD)
    flash = ["flash", model, "--board", "nucleo-l4r5zi", "--dry-run", *spoken]
    assert run([*flash, "--mlperf-model", "ic01"]) == 0
    assert run([*flash, "--mlperf-model", "sww01"]) == 2
    assert "microphone" in capsys.readouterr().err


# Both modes, every kind of input and of result; for every toolchain, and for every board.
BUILDS: tuple[tuple[CompiledModel, ProtocolRecord], ...] = (
    (compile_graph(small_cnn(), name="small"), MLPERF),
    (tiny_model(), ProtocolRecord(name="mlperf", mode="energy", model="ad01")),
    (tiny_model(), ProtocolRecord(name="mlperf", model="kws01")),
)
QUICK = (("zig", "cortex-m"), ("gcc", "native"))


def _build_strictly(board: Board, toolchain: Toolchain, folder: Path) -> None:
    if not is_installed(toolchain):
        pytest.skip(f"toolchain {toolchain.name} is not installed")
    for compiled, protocol in BUILDS:
        out = folder / str(protocol.model)
        name = toolchain.name
        image = build_firmware(compiled, board, out, toolchain=name, strict=True, protocol=protocol)
        assert image.protocol == "mlperf"


@pytest.mark.parametrize(
    "toolchain",
    [
        pytest.param(t, marks=() if (t.name, t.target) in QUICK else pytest.mark.slow)
        for t in TOOLCHAINS
    ],
    ids=lambda t: f"{t.name}-{t.target}",
)
def test_every_toolchain_builds_it_without_a_warning(toolchain: Toolchain, tmp_path: Path) -> None:
    names = {"native": "host", "riscv": "qemu-riscv32", "cortex-m": "nucleo-l4r5zi"}
    _build_strictly(find_board(names[toolchain.target]), toolchain, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("board", TEMPLATED, ids=lambda b: b.id)
def test_every_board_gets_it_without_a_warning(board: Board, tmp_path: Path) -> None:
    zig = next(t for t in TOOLCHAINS if (t.name, t.target) == ("zig", target_of(board)))
    _build_strictly(board, zig, tmp_path)
