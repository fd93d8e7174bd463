"""A sweep of 60 cells, killed and resumed, then again on a Dask cluster of two workers.

Four models x three option sets x five boards. What must hold is asserted: no finished work is
repeated, and every way gives the same files. The figures printed are of this machine.

Usage: python benchmarks/sweep_resume.py FOLDER_OF_MODELS [--kills 3] [--jobs 2] [--no-cluster]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgeq.core.processes import spawn  # noqa: E402
from edgeq.sweep.store import read_journal  # noqa: E402
from tests.support.dask_cluster import dask_cluster  # noqa: E402
from tests.support.shared import MLPERF_TINY  # noqa: E402

CELLS = 60
FILES = ("sweep.json", "sweep.csv", "sweep.html")
MANIFEST = """\
schema = 1
name = "mlperf-tiny"
action = "bench"
boards = ["virt-m0plus", "virt-m3", "virt-m4", "virt-m33", "virt-m7"]
options = [
  {{ name = "zig", runs = 1, warmup = 0 }},
  {{ name = "zig-other-input", runs = 1, warmup = 0, input = "lcg:2" }},
  {{ name = "gcc-arm", runs = 1, warmup = 0, toolchain = "gcc-arm" }},
]
models = [
{models}
]
"""


def main() -> None:
    """Run the trial and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-cluster", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        manifest = write_manifest(given.models.resolve(), folder)
        seconds = run_killed(manifest, folder / "killed", given.kills, given.jobs)
        report("killed and resumed", folder / "killed", seconds)
        if not given.no_cluster:
            with dask_cluster(folder) as address:
                seconds = run_once(manifest, folder / "cluster", "--scheduler", address)
            report("two Dask workers", folder / "cluster", seconds)
            compare(folder / "killed", folder / "cluster")


def write_manifest(models: Path, folder: Path) -> Path:
    """Write the manifest of the four models; return its path."""
    rows = (f'  {{ name = "{n}", path = "{models / f}" }},' for n, f in MLPERF_TINY.items())
    path = folder / "sweep.toml"
    path.write_text(MANIFEST.format(models="\n".join(rows)))
    return path


def run_killed(manifest: Path, out: Path, kills: int, jobs: int) -> float:
    """Kill the sweep at `kills` random places, then let it end; check that nothing is repeated."""
    places = sorted(random.Random(1).sample(range(1, CELLS), kills))
    began = time.monotonic()
    for place in places:
        kill_at(manifest, out, place, jobs)
    seconds = run_once(manifest, out, "--jobs", str(jobs))
    starts = Counter(e.key for e in read_journal(out) if e.event == "start")
    done = Counter(e.key for e in read_journal(out) if e.event == "done")
    repeated = sum(starts.values()) - len(starts)
    print(f"killed after {places} cells; {repeated} started twice; last run {seconds:.0f} s")
    assert max(done.values()) == 1, "finished work was repeated"
    assert repeated <= kills * jobs, "more was started again than was in work"
    return time.monotonic() - began


def kill_at(manifest: Path, out: Path, cells: int, jobs: int) -> None:
    """Run the sweep until `cells` are finished, and kill it as the system would."""
    with spawn(command(manifest, out, "--jobs", str(jobs)), env={"CI": "1"}) as child:
        while len(list((out / "cells").glob("*.json"))) < cells:
            assert child.wait(0) is None, child.last_words()
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30)


def run_once(manifest: Path, out: Path, *more: str) -> float:
    """Run the sweep to its end and return the seconds that it took."""
    began = time.monotonic()
    with spawn(command(manifest, out, *more), env={"CI": "1"}) as child:
        code = child.wait(7200)
        assert code == 0, f"exit {code}: {child.last_words()}"
    return time.monotonic() - began


def command(manifest: Path, out: Path, *more: str) -> list[str]:
    """Return the argv of a sweep."""
    argv = [sys.executable, "-m", "edgeq", "sweep", str(manifest), "--out", str(out)]
    return [*argv, "--format", "json", *more]


def report(what: str, out: Path, seconds: float) -> None:
    """Print what a sweep did."""
    work = Counter(e.kind for e in read_journal(out) if e.event == "done")
    cells = len(list((out / "cells").glob("*.json")))
    assert cells == CELLS, f"{cells} cells"
    print(f"{what}: {cells} cells in {seconds:.0f} s (measured), {dict(work)}", flush=True)


def compare(one: Path, other: Path) -> None:
    """Check that two sweeps wrote the same files."""
    for name in FILES:
        assert (one / name).read_bytes() == (other / name).read_bytes(), f"{name} differs"
    print(f"the same bytes: {', '.join(FILES)}")


if __name__ == "__main__":
    main()
