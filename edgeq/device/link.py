"""The link: requests with sequence numbers, retries and deadlines over a stream of bytes."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from edgeq.core.errors import DeviceError, one_line
from edgeq.device.framing import FrameDecoder, encode_frame
from edgeq.device.packets import BadAnswer, Packet, Type, encode_packet, parse_error, parse_packet
from edgeq.device.streams import Stream

NOISE_LIMIT = 4 << 20
LOG_LINES = 1000
POLL_S = 0.25

# Collects one answer: True completes the request, False brings it forward, None is no news.
Collect = Callable[[Packet], "bool | None"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds without an answer before a request is repeated, and tries before it failed.

    `invoke_s` is for one inference; `session_s` for everything until the session is closed.
    """

    answer_s: float = 2.0
    invoke_s: float = 120.0
    session_s: float = 3600.0
    tries: int = 3


# Codes of docs/link-protocol.md: what happened, what to do.
_ERRORS = {
    1: ("the firmware does not know this request", "flash the firmware of this edgeq"),
    2: ("the firmware has no such input or output", "flash the firmware of this model"),
    3: ("the firmware says the request is out of range", "flash the firmware of this model"),
    5: ("the firmware is not a traced one", "build and flash a traced firmware"),
    6: ("the model refused to run", "build the model again and flash it"),
    7: ("the firmware faulted", "look PC and LR up in the firmware's ELF with addr2line"),
}
_WRONG_SESSION, _FAULT = 4, 7


class Link:
    """One session of the link protocol. Not for use by several threads."""

    def __init__(self, stream: Stream, deadlines: Deadlines | None = None) -> None:
        self.deadlines = deadlines or Deadlines()
        self.logs: deque[str] = deque(maxlen=LOG_LINES)
        self._stream = stream
        self._decoder = FrameDecoder()
        self._packets: deque[Packet] = deque()
        self._session = secrets.randbelow(0xFFFF) + 1
        self._sequence = 0
        self._open = False
        self._echoed = False
        self._others = 0
        self._session_end = time.monotonic() + self.deadlines.session_s

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def request(
        self,
        kind: Type,
        body: bytes,
        collect: Collect,
        *,
        quiet_s: float | None = None,
        tries: int | None = None,
    ) -> None:
        """Send a request until `collect` has its answer.

        Args:
            quiet_s: seconds without news before the request is sent again; None for `answer_s`.
            tries: how often it is sent at most; None for that of the deadlines.

        Raises:
            DeviceError: the device is gone, rebooted, silent, refuses, or answers nonsense.
        """
        quiet = self.deadlines.answer_s if quiet_s is None else quiet_s
        self._sequence = self._sequence % 0xFFFF + 1
        packet = Packet(kind, self._session, self._sequence, body)
        # The leading zero closes whatever noise the device has collected before.
        frame = b"\0" + encode_frame(encode_packet(packet))
        self._decoder.clear_noise()
        self._echoed, self._others = False, 0
        started = time.monotonic()
        for _ in range(tries or self.deadlines.tries):
            self._stream.write(frame)
            if self._await(packet, collect, quiet):
                self._open = True
                return
        raise self._no_answer(kind, time.monotonic() - started)

    def _await(self, request: Packet, collect: Collect, quiet_s: float) -> bool:
        deadline = time.monotonic() + quiet_s
        while (now := time.monotonic()) < deadline:
            if now > self._session_end:
                raise DeviceError(
                    f"the session did not end within {self.deadlines.session_s:g} s",
                    hint="choose fewer runs or inputs, or give the session longer deadlines",
                )
            self._receive(min(deadline - now, POLL_S))
            while self._packets:
                news = self._judge(self._packets.popleft(), request, collect)
                if news:
                    return True
                if news is False:
                    deadline = time.monotonic() + quiet_s
        return False

    def _receive(self, timeout_s: float) -> None:
        for raw in self._decoder.feed(self._stream.read(timeout_s)):
            packet = parse_packet(raw)
            if packet is not None:
                self._packets.append(packet)
        if self._decoder.noise > NOISE_LIMIT:
            raise DeviceError(
                f"the device sent {NOISE_LIMIT >> 20} MiB that are no frames"
                f" ({one_line(repr(self._decoder.sample[:24]))} ...)",
                hint="wrong baud rate, or another firmware is on the board: `edgeq flash` first",
            )

    def _judge(self, packet: Packet, request: Packet, collect: Collect) -> bool | None:
        if packet.type == Type.LOG:
            self.logs.append(one_line(packet.body.decode("utf-8", "replace")))
            return None
        if packet.type == Type.ERROR:
            self._raise_error(packet, request)
        if packet.type == Type.HELLO_ANSWER and packet.session == 0 and self._open:
            raise _rebooted("it greeted again")
        if packet[:3] != (packet.type, request.session, request.sequence):
            self._others += 1
            return None
        if packet.type == request.type:
            self._echoed = True
            return None
        try:
            return collect(packet)
        except BadAnswer as error:
            raise DeviceError(
                f"the device's answer does not hold together: {error}",
                hint="flash the firmware of this edgeq; a sound board never sends this",
            ) from error

    def _raise_error(self, packet: Packet, request: Packet) -> None:
        try:
            code, text = parse_error(packet.body)
        except BadAnswer:
            return
        if code != _FAULT and packet.sequence != request.sequence:
            return
        if code == _WRONG_SESSION and self._open:
            raise _rebooted("it does not know this session any more")
        cause, hint = _ERRORS.get(
            code, (f"the firmware answered with error {code}", "flash the firmware of this edgeq")
        )
        raise DeviceError(f"{cause}: {text}" if text else cause, hint=hint)

    def _no_answer(self, kind: Type, seconds: float) -> DeviceError:
        what = f"no answer to {kind.name} within {seconds:.1f} s"
        noise = self._decoder.noise
        if self._echoed:
            return DeviceError(
                f"{what}: the port echoes what is sent",
                hint="turn the echo off; is TX wired to RX?",
            )
        if noise:
            return DeviceError(
                f"{what}: {noise} bytes arrived that are no frames"
                f" ({one_line(repr(self._decoder.sample[:24]))} ...)",
                hint="wrong baud rate, or another firmware is on the board: `edgeq flash` first",
            )
        if self._others or not self._open:
            return DeviceError(
                what, hint="is this the board's port, powered, and flashed with `edgeq flash`?"
            )
        return DeviceError(
            f"{what}: the device fell silent", hint="reset the board and run the command again"
        )


def _rebooted(how: str) -> DeviceError:
    return DeviceError(
        f"device rebooted: {how}",
        hint="a watchdog, a fault or a weak supply resets boards; run the command again",
    )
