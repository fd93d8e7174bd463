"""Run every `edgeq` command of the README's sh blocks, in order, and say which ones fail.

Usage: python benchmarks/readme.py    (after `make demo`, from the repository's top)
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path

from edgeq.core.processes import run

ROOT = Path(__file__).resolve().parent.parent


def read_commands(text: str) -> list[list[str]]:
    """Return the argv of each `edgeq` line in the sh blocks of a Markdown text."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = (line.split("#")[0].strip() for block in blocks for line in block.splitlines())
    return [line.split() for line in lines if line.startswith("edgeq ")]


def main() -> int:
    """Run all commands; return the number that failed."""
    scripts = str(Path(sys.executable).parent)
    path = {"PATH": os.pathsep.join([scripts, os.environ["PATH"]])}
    failed = 0
    for argv in read_commands((ROOT / "README.md").read_text()):
        begin = time.monotonic()
        done = run(argv, timeout_s=600, cwd=ROOT, env=path)
        verdict = "ok  " if done.returncode == 0 else f"EXIT {done.returncode}"
        print(f"{verdict} {time.monotonic() - begin:6.1f} s  {' '.join(argv)}", flush=True)
        if done.returncode != 0:
            failed += 1
            print(done.stdout + done.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
