"""Damage a model at random and see what edgeq makes of it.

    python benchmarks/mutate.py MODEL.tflite --count 1000 --seed 1 [--read-only]

Each mutant is read, inspected and compiled in a child process with a memory limit and 5 seconds.
It may be rejected with an EdgeqError of exit code 3, or be accepted; anything else (another
exception, a signal, a hang) is a defect and makes the exit code 1. Mutant i of a seed is always
the same: `--only i -o FILE` writes it.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import struct
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from edgeq.core.errors import EdgeqError
from edgeq.core.processes import kill_group, start

LIMIT_S = 5.0
MEMORY_BYTES = 4 << 30
# Constant data larger than this is not structure.
_BIG = 64
_WORDS = (0, 1, 2, 4, 7, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Spans = Sequence[range]
GOOD = ("rejected", "refused", "compiled", "accepted")


def structure_of(data: bytes) -> list[range]:
    """Return the byte ranges of a valid model that are not in a big buffer."""
    from ai_edge_litert.schema_py_generated import Model

    model = Model.GetRootAs(data, 0)
    holes = []
    for i in range(model.BuffersLength()):
        buffer = model.Buffers(i)
        if buffer.DataLength() > _BIG:
            start_ = buffer._tab.Vector(buffer._tab.Offset(4))
            holes.append(range(start_, start_ + buffer.DataLength()))
    edges = [
        0,
        *(
            edge
            for hole in sorted(holes, key=lambda h: h.start)
            for edge in (hole.start, hole.stop)
        ),
        len(data),
    ]
    return [range(a, b) for a, b in zip(edges[0::2], edges[1::2], strict=True) if a < b]


def _position(spans: Spans, rng: random.Random) -> int:
    span = rng.choices(spans, weights=[len(s) for s in spans])[0]
    return rng.choice(span)


def _word(spans: Spans, rng: random.Random, size: int) -> int:
    return min(_position(spans, rng) & ~3, size - 4)


def damage_bytes(data: bytes, spans: Spans, rng: random.Random) -> bytes:
    """Overwrite 1 to 8 bytes in `spans`."""
    mutant = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        mutant[_position(spans, rng)] = rng.randrange(256)
    return bytes(mutant)


def damage_anywhere(data: bytes, spans: Spans, rng: random.Random) -> bytes:
    """Overwrite 1 to 8 bytes anywhere."""
    return damage_bytes(data, [range(len(data))], rng)


def damage_words(data: bytes, spans: Spans, rng: random.Random) -> bytes:
    """Overwrite 1 or 2 aligned words of the structure with values that break things."""
    mutant = bytearray(data)
    for _ in range(rng.randint(1, 2)):
        value = rng.choice((*_WORDS, len(data), rng.randrange(len(data))))
        struct.pack_into("<I", mutant, _word(spans, rng, len(data)), value)
    return bytes(mutant)


def swap_words(data: bytes, spans: Spans, rng: random.Random) -> bytes:
    """Swap two aligned words of the structure."""
    mutant = bytearray(data)
    a, b = _word(spans, rng, len(data)), _word(spans, rng, len(data))
    mutant[a : a + 4], mutant[b : b + 4] = data[b : b + 4], data[a : a + 4]
    return bytes(mutant)


def shift(data: bytes, spans: Spans, rng: random.Random) -> bytes:
    """Delete or insert up to 16 bytes."""
    at, count = _position(spans, rng), rng.randint(1, 16)
    if rng.random() < 0.5:
        return data[:at] + data[at + count :]
    return data[:at] + rng.randbytes(count) + data[at:]


def truncate(data: bytes, spans: Spans, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data))]


KINDS: dict[str, Callable[[bytes, Spans, random.Random], bytes]] = {
    "anywhere": damage_anywhere,
    "structure": damage_bytes,
    "words": damage_words,
    "swap": swap_words,
    "shift": shift,
    "truncate": truncate,
}


def mutant(data: bytes, spans: Spans, seed: int, index: int) -> tuple[str, bytes]:
    """Return the kind and the bytes of mutant `index`."""
    rng = random.Random(f"{seed}:{index}")
    kind = list(KINDS)[index % len(KINDS)]
    return kind, KINDS[kind](data, spans, rng)


def judge(data: bytes, *, compile_it: bool) -> str:
    """Return what edgeq makes of `data`: one of GOOD, or a traceback."""
    from edgeq.graph.inspection import inspect_graph
    from edgeq.graph.reader import read_graph

    stage = "rejected"
    try:
        graph = read_graph(data, "mutant.tflite")
        inspect_graph(graph)
        if not compile_it:
            return "accepted"
        from edgeq.compile import compile_graph

        stage = "refused"
        compile_graph(graph, name="mutant")
        return "compiled"
    except EdgeqError as error:
        return stage if error.exit_code == 3 else f"exit code {error.exit_code}: {error}"
    except Exception:
        return traceback.format_exc(limit=-4)


def work(model: Path, seed: int, compile_it: bool) -> None:
    """Judge each mutant whose index arrives on stdin; answer with one line of JSON."""
    data = model.read_bytes()
    spans = structure_of(data)
    for line in sys.stdin:
        _, bytes_ = mutant(data, spans, seed, int(line))
        print(json.dumps(judge(bytes_, compile_it=compile_it)), flush=True)


class Worker:
    """A child process that judges mutants."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.child = start(argv, memory_bytes=MEMORY_BYTES)
        self.answers: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.child.stdout is not None
        for line in iter(self.child.stdout.readline, b""):
            self.answers.put(line)
        self.answers.put(b"")

    def ask(self, index: int, limit_s: float) -> str:
        """Return the judgement of a mutant; 'hung' or 'died: ...' if there is none."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{index}\n".encode())
        self.child.stdin.flush()
        try:
            answer = self.answers.get(timeout=limit_s)
        except queue.Empty:
            return f"hung for {limit_s:g} s"
        return str(json.loads(answer)) if answer else f"died: {self.child.wait()}"


def survey(model: Path, count: int, seed: int, *, compile_it: bool) -> tuple[Counter[str], int]:
    """Judge `count` mutants; print defects; return the tally and the number of defects."""
    argv = [sys.executable, __file__, str(model), "--seed", str(seed), "--worker"]
    argv += [] if compile_it else ["--read-only"]
    tally: Counter[str] = Counter()
    defects = 0
    worker: Worker | None = None
    try:
        for i in range(count):
            fresh = worker is None
            worker = worker or Worker(argv)
            # A fresh child imports first.
            verdict = worker.ask(i, LIMIT_S + (30 if fresh else 0))
            kind = list(KINDS)[i % len(KINDS)]
            good = verdict in GOOD
            tally[f"{kind} {verdict if good else 'DEFECT'}"] += 1
            if not good:
                defects += 1
                print(f"mutant {i} ({kind}): {verdict}", file=sys.stderr)
            if verdict.startswith(("hung", "died")):
                kill_group(worker.child)
                worker = None
    finally:
        if worker is not None:
            kill_group(worker.child)
    return tally, defects


def main() -> int:
    """Run the survey, or one of its parts."""
    parser = argparse.ArgumentParser(description="Damage a model and see what edgeq makes of it.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--read-only", action="store_true", help="read and inspect, no compile")
    parser.add_argument("--only", type=int, help="write this mutant to --output")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.model, options.seed, not options.read_only)
        return 0
    if options.only is not None:
        data = options.model.read_bytes()
        target = options.output or Path(f"mutant{options.only}.tflite")
        target.write_bytes(mutant(data, structure_of(data), options.seed, options.only)[1])
        return 0
    tally, defects = survey(
        options.model, options.count, options.seed, compile_it=not options.read_only
    )
    for kind in KINDS:
        row = {k.split(" ", 1)[1]: v for k, v in tally.items() if k.startswith(f"{kind} ")}
        print(f"{kind:10}", ", ".join(f"{v} {k}" for k, v in sorted(row.items())))
    print(f"{sum(tally.values())} mutants of {options.model.name}, {defects} defects")
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
