"""The command line: the only room that prints. Each command is a thin call into edgeq.api."""

from __future__ import annotations

from edgeq.cli.app import main

__all__ = ["main"]
