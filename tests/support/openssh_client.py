"""Opens a session on a test's OpenSSH server and works in it until it is killed.

    python -m tests.support.openssh_client CONFIG READY

READY is touched when the folder is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from edgeq.device.linux.machine import RUNNER
from edgeq.device.ssh import SshSession, parse_target


def main(config: str, ready: str) -> None:
    """Copy files and run commands in a session without end."""
    with SshSession(parse_target("board", config=Path(config))) as session:
        Path(ready).touch()
        while True:
            path = session.put(RUNNER, "runner.py")
            session.run(["cp", path, f"{path}.copy"])


if __name__ == "__main__":
    main(*sys.argv[1:])
