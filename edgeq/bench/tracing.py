"""A session with the firmware that reports every layer, whatever kind of board it needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgeq.bench.preparation import Prepared, trace_image
from edgeq.device.connection import open_board, runs_as_process
from edgeq.device.flashers import flash_image
from edgeq.device.session import BoardSession


@contextmanager
def open_traced(ready: Prepared, port: str | None) -> Iterator[BoardSession]:
    """Open a session with the traced firmware of `ready`.

    A board behind a port is flashed with it, and gets its plain firmware back at the end.

    Raises:
        UsageError: the board is behind a URL, or its SDK flashes it.
        DeviceError: flashing failed, or the board does not answer.
    """
    traced = trace_image(ready)
    if runs_as_process(ready.board, port):
        with open_board(ready.board, traced) as session:
            yield session
        return
    flash_image(ready.board, traced, port=port)
    try:
        with open_board(ready.board, traced, port=port) as session:
            yield session
    finally:
        flash_image(ready.board, ready.image, port=port)
