"""Build the compiled block hook once, and keep it in the user's cache folder."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from edgeq.core.errors import ToolchainError
from edgeq.core.files import sha256_hex
from edgeq.core.processes import find_tool, run

SOURCE = Path(__file__).with_name("block_hook.c")
# c: the compiled hook or an error; python: never the compiled one; unset: whichever there is.
ENVIRONMENT = "EDGEQ_BLOCK_HOOK"


def find_hook() -> Path | None:
    """Return the compiled hook, built at first use; None where Python has to count.

    Raises:
        ToolchainError: EDGEQ_BLOCK_HOOK=c demands it and no compiler makes it.
    """
    wanted = os.environ.get(ENVIRONMENT, "")
    if wanted == "python":
        return None
    library = _cache_folder() / f"block-hook-{_key()}.so"
    if library.is_file():
        return library
    for compiler in _compilers():
        if _build(compiler, library):
            return library
    if wanted == "c":
        raise ToolchainError(
            "no C compiler could build the block hook",
            hint="pip install 'edgeq[sim]', or install gcc",
        )
    return None


def _compilers() -> list[list[str]]:
    found = [[tool] for name in ("cc", "gcc", "clang") if (tool := find_tool(name))][:1]
    if find_spec("ziglang"):
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


def _build(compiler: list[str], library: Path) -> bool:
    """Compile into a temporary file first: two processes may build at once."""
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as folder:
            output = Path(folder) / "hook.so"
            flags = ["-std=c99", "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(output)]
            done = run([*compiler, *flags], timeout_s=180)
            if done.returncode == 0 and output.is_file():
                os.replace(output, library)
                return True
    except (OSError, ToolchainError):
        return False
    return False


def _key() -> str:
    import platform

    identity = f"{platform.system()} {platform.machine()} {sys.maxsize}".encode()
    return sha256_hex(SOURCE.read_bytes() + identity)[:16]


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("edgeq") / "hooks"
