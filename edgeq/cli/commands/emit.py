"""edgeq emit"""

from __future__ import annotations

from edgeq.cli import options as opt


def emit(model: opt.Int8Model, out: opt.OutFolder, name: opt.Name = None) -> None:
    """Write the C array, header and op resolver for TFLite Micro."""
    from edgeq import api
    from edgeq.cli.console import say

    for path in api.emit(model, out=out, name=name):
        say(f"wrote {path}")
