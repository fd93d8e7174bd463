"""Child process that answers jobs until its stdin ends, then takes everything with it.

The end of stdin is also the death of whoever started it, so that nothing outlives a sweep
that was killed: neither this process nor a compiler or virtual board that it started.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from edgeq.core.processes import kill_all
from edgeq.sweep.frames import pack, read_frame


def serve(scratch: Path, answer: Callable[[bytes, Path], bytes]) -> None:
    """Answer jobs; every temporary file lies below `scratch`, which the end removes.

    Args:
        answer: does an encoded job in a folder; returns the encoded answer and never raises.
    """
    tempfile.tempdir = str(scratch)
    # Only answers go to stdout: what a library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs, scratch), daemon=True).start()
    while True:
        message = jobs.get()
        with tempfile.TemporaryDirectory(prefix="job-") as folder:
            reply = answer(message, Path(folder))
        answers.write(pack(reply))
        answers.flush()


def _listen(pipe: IO[bytes], jobs: queue.SimpleQueue[bytes], scratch: Path) -> None:
    while (message := read_frame(pipe)) is not None:
        jobs.put(message)
    kill_all()
    shutil.rmtree(scratch, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    from edgeq.sweep import work

    serve(Path(sys.argv[1]), work.answer)
