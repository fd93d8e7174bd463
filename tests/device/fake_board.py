"""A board in Python: speaks the link protocol as the firmware does, and misbehaves on demand."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edgeq.device.framing import FrameDecoder, encode_frame
from edgeq.device.link import Deadlines
from edgeq.device.packets import Packet, Type, encode_packet, parse_packet

SHA256 = bytes(range(32))
QUICK = Deadlines(answer_s=0.05, invoke_s=0.1, session_s=5.0)


def hello_body(
    *,
    max_packet: int = 1024,
    flags: int = 3,
    width: int = 64,
    hz: int = 1_000_000,
    inputs: tuple[int, ...] = (12,),
    outputs: tuple[int, ...] = (12,),
    sha256: bytes = SHA256,
    names: tuple[str, ...] = ("1.0", "tiny", "fake"),
    counters: tuple[str, ...] = ("instructions", "cycles"),
) -> bytes:
    """Return the body of a HELLO answer."""
    head = struct.pack("<HBBBQI", max_packet, flags, len(counters), width, hz, 32)
    sizes = b"".join(
        struct.pack(f"<B{len(ports)}I", len(ports), *ports) for ports in (inputs, outputs)
    )
    texts = b"".join(bytes([len(t.encode())]) + t.encode() for t in (*names, *counters))
    return head + sizes + sha256 + texts


@dataclass
class FakeBoard:
    """Adds one to each of 12 bytes. `answer` may be replaced to answer in another way."""

    hello: bytes = field(default_factory=hello_body)
    counters: int = 2
    session: int = 0
    memory: bytearray = field(default_factory=lambda: bytearray(12))
    ticks: int = 0
    answer: Callable[[FakeBoard, Packet], list[Packet]] | None = None

    def respond(self, request: Packet) -> list[Packet]:
        """Return the packets that answer `request`."""
        if self.answer is not None:
            return self.answer(self, request)
        return self.obey(request)

    def obey(self, request: Packet) -> list[Packet]:
        """Answer as docs/link-protocol.md says."""

        def pack(kind: Type, body: bytes = b"") -> Packet:
            return Packet(kind, self.session, request.sequence, body)

        if request.type == Type.HELLO:
            self.session = request.session
            return [pack(Type.HELLO_ANSWER, self.hello)]
        if request.session != self.session:
            return [pack(Type.ERROR, b"\x04no such session")]
        if request.type == Type.WRITE:
            _, offset = struct.unpack_from("<BI", request.body)
            self.memory[offset : offset + len(request.body) - 5] = request.body[5:]
        if request.type == Type.READ:
            _, offset, count = struct.unpack("<BIH", request.body)
            output = bytes((b + 1) & 0xFF for b in self.memory)
            return [pack(Type.DATA, output[offset : offset + count])]
        if request.type == Type.STATS:
            return [pack(Type.STATS_ANSWER, struct.pack(f"<II{self.counters}Q", 100, 4096, 3, 4))]
        if request.type == Type.INVOKE:
            runs = struct.unpack("<II", request.body)[1]
            samples = [pack(Type.SAMPLE, struct.pack("<I", i) + self.span(50)) for i in range(runs)]
            return [*samples, pack(Type.DONE)]
        if request.type == Type.TRACE:
            output = bytes((b + 1) & 0xFF for b in self.memory)
            whole = struct.pack("<HI", 0, 0) + output
            end = struct.pack("<HI", 0, 12) + self.span(40)
            layers = [pack(Type.LAYER, whole)] if request.body[0] & 1 else []
            return [*layers, pack(Type.LAYER_END, end), pack(Type.DONE)]
        return [pack(Type.DONE)]

    def span(self, ticks: int) -> bytes:
        """Return start and end of each counter, `ticks` apart."""
        start, self.ticks = self.ticks, self.ticks + ticks
        return struct.pack("<QQ", start, self.ticks) * self.counters


class FakeStream:
    """A stream with a FakeBoard behind it; `wire` changes what arrives at either side."""

    def __init__(
        self,
        board: FakeBoard,
        to_host: Callable[[bytes], bytes] = bytes,
        to_board: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._board, self._to_host, self._to_board = board, to_host, to_board
        self._decoder = FrameDecoder()
        self.waiting = bytearray()
        self.closed = 0

    def read(self, timeout_s: float) -> bytes:
        """Return what waits; sleep where nothing does, as a real port would."""
        if not self.waiting:
            time.sleep(max(0.0, timeout_s))
        data = bytes(self.waiting)
        self.waiting.clear()
        return data

    def write(self, data: bytes) -> None:
        """Let the board answer at once."""
        self.waiting += answer_bytes(
            self._board, self._decoder, self._to_board(data), self._to_host
        )

    def close(self) -> None:
        """Count how often it is closed."""
        self.closed += 1


def answer_bytes(
    board: FakeBoard,
    decoder: FrameDecoder,
    data: bytes,
    to_host: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """Return what the board sends when it receives `data`."""
    out = bytearray()
    for raw in decoder.feed(data):
        packet = parse_packet(raw)
        for answer in board.respond(packet) if packet else []:
            out += to_host(encode_frame(encode_packet(answer)))
    return bytes(out)


@contextmanager
def serve(
    board: FakeBoard, *, stop_after: int | None = None, byte_delay_s: float = 0.0
) -> Iterator[str]:
    """Serve the board on a socket; yield its URL. It hangs up after `stop_after` bytes."""
    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve, args=(server, board, stop_after, byte_delay_s))
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def _serve(
    server: socket.socket, board: FakeBoard, stop_after: int | None, byte_delay_s: float
) -> None:
    decoder = FrameDecoder()
    try:
        client, _ = server.accept()
    except OSError:
        return
    with client:
        left = stop_after
        while True:
            try:
                data = client.recv(65536)
                answer = answer_bytes(board, decoder, data)
                if left is not None:
                    answer, left = answer[:left], left - len(answer)
                for part in [answer] if not byte_delay_s else [bytes([b]) for b in answer]:
                    client.sendall(part)
                    time.sleep(byte_delay_s)
            except OSError:
                return
            if not data or (left is not None and left <= 0):
                return
