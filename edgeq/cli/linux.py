"""Options of `edgeq bench` for Linux boards, and this computer as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str | None, typer.Option(help="A Linux board's user@name[:port].")]
Threads = Annotated[str, typer.Option(help="On Linux: 4, or 1,2,4 for the scaling too.")]
Xnnpack = Annotated[bool, typer.Option(help="On Linux: XNNPACK, or built-in kernels.")]
Python = Annotated[
    str | None, typer.Option(help="On Linux: the Python there, or a command of several words.")
]
Install = Annotated[
    bool, typer.Option("--install", help="On Linux: a private venv where no Python will do.")
]
SshConfig = Annotated[Path | None, typer.Option(help="An ssh_config to use, not ~/.ssh/config.")]
Timeout = Annotated[float, typer.Option(min=1, help="On Linux: seconds that a model may take.")]
Compare = Annotated[
    Path | None, typer.Option(help="On Linux: a second model; says why one is slower.")
]
