"""The virtual board's UART (register layout of the CMSDK UART, Arm DDI 0479D, section 4.3)."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

DATA, STATE, CTRL, INTSTATUS, BAUDDIV = 0x0, 0x4, 0x8, 0xC, 0x10
RX_FULL = 2
# Polls of STATE that find nothing, this close together, are waiting and not work.
IDLE_POLLS = 16
IDLE_DISTANCE = 1000
FLUSH_BYTES = 4096
CHUNK = 65536


class Wire:
    """The board's side of socket://: one client at a time; the board runs on without one."""

    def __init__(self, port: int) -> None:
        self._server = socket.create_server(("127.0.0.1", port), backlog=1)
        self._client: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port that the board listens on."""
        return int(self._server.getsockname()[1])

    def wait_for_client(self) -> None:
        """Wait until somebody connects."""
        self._client, _ = self._server.accept()
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, *, wait: bool) -> bytes:
        """Return what has arrived, b'' for nothing; with `wait`, not before something has."""
        while True:
            if self._client is None:
                if not wait:
                    return b""
                self.wait_for_client()
            assert self._client is not None
            try:
                if not wait and not select.select([self._client], [], [], 0)[0]:
                    return b""
                if data := self._client.recv(CHUNK):
                    return data
            except OSError:
                pass
            self._hang_up()

    def send(self, data: bytes) -> None:
        """Send `data`; it is lost where nobody listens, as on any serial line."""
        try:
            if self._client is not None:
                self._client.sendall(data)
        except OSError:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


class Uart:
    """Registers in front of a wire. Never loses a byte, and sleeps while the firmware polls."""

    def __init__(self, wire: Wire, instructions: Callable[[], int]) -> None:
        self._wire = wire
        self._instructions = instructions
        self._received = bytearray()
        self._sending = bytearray()
        self._registers = {CTRL: 0, INTSTATUS: 0, BAUDDIV: 0}
        self._polls = 0
        self._last_poll = 0

    def read(self, offset: int) -> int:
        """Read the register at `offset`."""
        if offset == STATE:
            return self._state()
        if offset == DATA:
            self._polls = 0
            return self._received.pop(0) if self._received else 0
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write the register at `offset`."""
        if offset == DATA:
            self._polls = 0
            self._sending.append(value & 0xFF)
            # A zero byte closes a frame: time to let it go.
            if not value & 0xFF or len(self._sending) >= FLUSH_BYTES:
                self.flush()
        elif offset in self._registers:
            self._registers[offset] = value

    def flush(self) -> None:
        """Send what the firmware wrote."""
        if self._sending:
            self._wire.send(bytes(self._sending))
            self._sending.clear()

    def _state(self) -> int:
        if not self._received:
            self._received += self._wire.receive(wait=self._is_idle())
        return RX_FULL if self._received else 0

    def _is_idle(self) -> bool:
        """Tell whether the firmware only waits; all it wrote is out before it may sleep."""
        now = self._instructions()
        self._polls = self._polls + 1 if now - self._last_poll < IDLE_DISTANCE else 1
        self._last_poll = now
        if self._polls < IDLE_POLLS:
            return False
        self._polls = 0
        self.flush()
        return True
