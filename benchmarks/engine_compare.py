"""Compare the engine of two commits: instructions, RAM and flash, model by model.

    python benchmarks/engine_compare.py COMMIT_A COMMIT_B [--core m4] [--model kws] [--threshold 1]

A commit may be '.', the files as they are. Each commit is checked out into a temporary folder,
removed afterwards, and benched by the script of these files (benchmarks/engine.py). Exit code 1:
something grew by more than the threshold, or an output is wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from engine_rows import Row
from pages import table

from edgeq.core.errors import EdgeqError
from edgeq.core.processes import Completed, run

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = Path(__file__).with_name("engine.py")
FIGURES = ("instructions", "ram", "flash")
LIMIT_S = 3600.0
Pair = tuple[Row, Row]


def git(*arguments: str) -> Completed:
    """Run git in the repository; exit where it fails."""
    done = run(["git", "-C", str(ROOT), *arguments], timeout_s=LIMIT_S)
    if done.returncode != 0:
        sys.exit(f"git {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Give the folder of a commit's files; '.' is the repository itself."""
    if commit == ".":
        yield ROOT
        return
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name) / "files"
        git("worktree", "add", "--detach", "--quiet", str(folder), commit)
        try:
            yield folder
        finally:
            git("worktree", "remove", "--force", str(folder))


def bench_commit(commit: str, arguments: Sequence[str]) -> list[Row]:
    """Bench a commit's engine; print the rows as they come, and return them."""
    print(f"--- {commit}", flush=True)
    with checked_out(commit) as folder, tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        out = Path(name) / "rows.json"
        done = run(
            [sys.executable, str(SCRIPT), "--json", str(out), *arguments],
            timeout_s=LIMIT_S,
            env={"PYTHONPATH": str(folder)},
            on_line=lambda line: print(line, flush=True),
        )
        if not out.exists():
            sys.exit(f"{commit}: {done.stderr.strip()}")
        return msgspec.json.decode(out.read_bytes(), type=list[Row])


def pair_rows(before: Sequence[Row], after: Sequence[Row]) -> list[Pair]:
    """Return the rows of one model, board and setting together, where both have figures."""
    first = {(r.board, r.setting, r.model): r for r in before if r.instructions}
    keys = [(r.board, r.setting, r.model) for r in after]
    return [
        (first[k], r) for k, r in zip(keys, after, strict=True) if k in first and r.instructions
    ]


def change(before: int, after: int) -> float:
    """Return the relative change in per cent."""
    return 100 * (after / before - 1) if before else 0.0


def comparison_table(pairs: Sequence[Pair]) -> str:
    """Return the figures of both commits side by side."""
    columns = ["model", *(word for name in FIGURES for word in (f"{name} A", "B", "change"))]
    lines = []
    for a, b in pairs:
        cells = [f"{b.board} {b.setting} {b.model}"]
        for name in FIGURES:
            ours, theirs = getattr(b, name), getattr(a, name)
            cells += [f"{theirs:,}", f"{ours:,}", f"{change(theirs, ours):+.1f} %"]
        lines.append(cells)
    return table(columns, lines)


def find_regressions(pairs: Sequence[Pair], threshold: float) -> list[str]:
    """Return what grew by more than `threshold` per cent, and every output that is wrong."""
    found = [
        f"{b.model} on {b.board}, {b.setting}: {name} {change(*values):+.1f} %"
        for a, b in pairs
        for name in FIGURES
        if change(*(values := (getattr(a, name), getattr(b, name)))) > threshold
    ]
    return found + [f"{b.model} on {b.board}, {b.setting}: {b.fault}" for _, b in pairs if b.fault]


def find_lost(before: Sequence[Row], after: Sequence[Row]) -> list[str]:
    """Return the rows of the first commit that the second one has no figures for."""
    figures = {(r.board, r.setting, r.model) for r in after if r.instructions}
    return [
        f"{r.model} on {r.board}, {r.setting}: no figures any more"
        for r in before
        if r.instructions and (r.board, r.setting, r.model) not in figures
    ]


def main(arguments: Sequence[str]) -> int:
    """Bench both commits, print the table and what became worse; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", metavar="COMMIT_A")
    parser.add_argument("after", metavar="COMMIT_B")
    parser.add_argument("--threshold", type=float, default=1.0, help="per cent; by default 1")
    options, passed_on = parser.parse_known_args(arguments)
    rows = [bench_commit(c, passed_on) for c in (options.before, options.after)]
    pairs = pair_rows(*rows)
    if not pairs:
        sys.exit("there is no model that both commits have figures for")
    print(f"\nA: {options.before}, B: {options.after}\n")
    print(comparison_table(pairs))
    worse = [*find_regressions(pairs, options.threshold), *find_lost(*rows)]
    print("\n" + ("\n".join(worse) or f"nothing grew by more than {options.threshold:g} %"))
    return 1 if worse else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EdgeqError as error:
        sys.exit(f"{error.cause}\nhint: {error.hint}")
