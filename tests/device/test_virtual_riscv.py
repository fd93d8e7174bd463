"""The virtual RISC-V board tells instructions apart, and counts the same ones each time."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.device.virtual.cycles import count_cycles, cycle_table
from edgeq.device.virtual.riscv import decode
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

# Words as the assembler makes them, little-endian halfwords when they lie in memory.
ENCODINGS = {
    0x00052583: "load",  # lw a1, 0(a0)
    0x00B52023: "store",  # sw a1, 0(a0)
    0x02B50533: "mul",  # mul a0, a0, a1
    0x02B54533: "div",  # div a0, a0, a1
    0x00B50533: "alu",  # add a0, a0, a1
    0xFEB518E3: "branch",  # bne a0, a1, -16
    0x0000006F: "branch",  # j .
    0x30529073: "system",  # csrw mtvec, t0
    0x410C: "load",  # c.lw a1, 0(a0)
    0xC10C: "store",  # c.sw a1, 0(a0)
    0x8082: "branch",  # ret
    0x852E: "alu",  # c.mv a0, a1
    0xBFFD: "branch",  # c.j -2
    0x4532: "load",  # c.lwsp a0, 12(sp)
}


@pytest.mark.parametrize("word", ENCODINGS)
def test_an_encoding_is_of_its_kind(word: int) -> None:
    size = 4 if word & 3 == 3 else 2
    (found,) = decode(word.to_bytes(size, "little"))
    assert (found.size, found.kind) == (size, ENCODINGS[word])


def test_cycles_are_those_of_the_table() -> None:
    code = b"".join(w.to_bytes(4 if w & 3 == 3 else 2, "little") for w in (0x00052583, 0x852E))
    assert count_cycles(decode(code), cycle_table("rv32imc")) == 3


def test_a_bench_counts_the_same_instructions_each_time(tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    model = tmp_path / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    first, second = (api.bench(model, board="virt-rv32imc", runs=2) for _ in range(2))
    assert first == second
    assert first.output.bit_exact
    assert first.latency.instructions
    assert "guessed" in (first.latency.cycles_source or "")
