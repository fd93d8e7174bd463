"""Child process: run TensorFlow Lite Micro's own interpreter on a job from stdin.

The job and the answer are JSON; bytes are base64. A native crash ends this process alone.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    """Read the job, run every input, print the outputs as the last line of stdout."""
    from tflite_micro.python.tflite_micro import runtime

    job = json.load(sys.stdin)
    interpreter = runtime.Interpreter.from_bytes(
        Path(job["model"]).read_bytes(), arena_size=job["arena_bytes"]
    )
    answers = []
    for item in job["inputs"]:
        for port, ((shape, dtype), raw) in enumerate(zip(job["ports"], item, strict=True)):
            array = np.frombuffer(base64.b64decode(raw), dtype).reshape(shape)
            interpreter.set_input(array, port)
        interpreter.invoke()
        answers.append([_encode(interpreter, port) for port in range(job["outputs"])])
    print(json.dumps(answers))


def _encode(interpreter: object, port: int) -> str:
    output = interpreter.get_output(port)  # type: ignore[attr-defined]
    return base64.b64encode(np.ascontiguousarray(output).tobytes()).decode()


if __name__ == "__main__":
    main()
