"""Frames: whatever is sent arrives whole or not at all."""

from __future__ import annotations

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.device.framing import (
    MAX_ENCODED,
    MAX_PACKET,
    FrameDecoder,
    decode_cobs,
    decode_frame,
    encode_cobs,
    encode_frame,
)

PACKETS = st.binary(min_size=1, max_size=MAX_PACKET)
# Long runs without a zero, with lengths around COBS's block of 254 bytes.
RUNS = st.lists(
    st.sampled_from([0, 1, 2, 253, 254, 255, 508, 509]).flatmap(
        lambda n: st.just(b"\x11" * n + b"\0")
    ),
    min_size=1,
    max_size=2,
).map(lambda parts: b"".join(parts)[:MAX_PACKET])


@given(st.one_of(st.binary(max_size=2000), RUNS))
def test_cobs_gives_back_what_it_was_given_and_holds_no_zero(data: bytes) -> None:
    encoded = encode_cobs(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + len(data) // 254 + 1
    assert (decode_cobs(encoded) or b"") == data


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        # the examples of Cheshire and Baker's paper, as commonly tabulated
        (b"\x00", b"\x01\x01"),
        (b"\x00\x00", b"\x01\x01\x01"),
        (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x11\x22\x33\x44", b"\x05\x11\x22\x33\x44"),
        (b"\x11\x00\x00\x00", b"\x02\x11\x01\x01\x01"),
        (bytes(range(1, 255)), b"\xff" + bytes(range(1, 255))),
        (bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff"),
    ],
)
def test_cobs_follows_the_published_examples(data: bytes, encoded: bytes) -> None:
    assert encode_cobs(data) == encoded
    assert decode_cobs(encoded) == data


@given(st.binary(max_size=1200))
def test_no_bytes_make_the_decoders_fail(data: bytes) -> None:
    decode_cobs(data)
    packet = decode_frame(data)
    assert packet is None or 0 < len(packet) <= MAX_PACKET


@given(PACKETS)
def test_a_frame_carries_the_crc_of_zlib(packet: bytes) -> None:
    raw = decode_cobs(encode_frame(packet)[:-1])
    assert raw is not None
    assert raw == packet + zlib.crc32(packet).to_bytes(4, "little")


def test_a_packet_that_fits_no_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="1025 bytes"):
        encode_frame(bytes(MAX_PACKET + 1))


@given(st.lists(PACKETS, max_size=5), st.integers(1, 700))
def test_frames_are_found_however_the_stream_is_cut(packets: list[bytes], step: int) -> None:
    stream = b"".join(b"\0" + encode_frame(packet) for packet in packets)
    decoder = FrameDecoder()
    found = [p for at in range(0, len(stream), step) for p in decoder.feed(stream[at : at + step])]
    assert found == packets
    assert decoder.noise == 0


@given(st.binary(max_size=300), PACKETS)
def test_noise_before_a_frame_costs_at_most_what_touches_it(noise: bytes, packet: bytes) -> None:
    decoder = FrameDecoder()
    found = decoder.feed(noise + b"\0" + encode_frame(packet))
    assert found[-1:] == [packet]


def test_an_endless_frame_holds_no_memory_and_ends_at_the_next_zero() -> None:
    decoder = FrameDecoder()
    for _ in range(1000):
        assert decoder.feed(b"\x55" * 1000) == []
    assert len(decoder._pending) <= MAX_ENCODED
    assert decoder.feed(b"\0" + encode_frame(b"sound")) == [b"sound"]
    assert decoder.noise == 1_000_000
    assert len(decoder.sample) == 64


def damage(frame: bytes, rate: float, chance: random.Random) -> bytes:
    """Flip each bit at `rate`; lose or double a byte at the same rate."""
    out = bytearray()
    for byte in frame:
        draw = chance.random()
        if draw < rate:
            continue
        if draw < 2 * rate:
            out.append(byte)
        if draw < 10 * rate:
            byte ^= 1 << chance.randrange(8)
        out.append(byte)
    return bytes(out)


def fuzz(frames: int, rate: float, size: int = 250) -> tuple[int, int, int]:
    """Send numbered frames over a bad wire; return (whole, wrong, longest loss beyond damage)."""
    chance = random.Random(frames)
    decoder = FrameDecoder()
    whole = wrong = resync = behind = 0
    before = b""
    for number in range(frames):
        packet = number.to_bytes(4, "little") + chance.randbytes(size - 4)
        sent = encode_frame(packet)
        arrived = damage(sent, rate, chance)
        found = decoder.feed(arrived)
        # A frame whose zero was lost may be closed by one that appears in the next frame.
        wrong += sum(p not in (packet, before) for p in found)
        whole += packet in found
        # A sound frame may be lost with the damaged one before it, never a second one.
        behind = behind + 1 if arrived == sent and packet not in found else 0
        resync = max(resync, behind)
        before = packet
    return whole, wrong, resync


@pytest.mark.parametrize(("rate", "goodput"), [(1e-5, 0.95), (1e-4, 0.6), (1e-3, 0.01)])
def test_a_bad_wire_never_makes_a_wrong_packet(rate: float, goodput: float) -> None:
    whole, wrong, resync = fuzz(5_000, rate)
    assert wrong == 0
    assert resync <= 1
    assert whole >= goodput * 5_000


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("rate", "goodput"), [(1e-5, 0.95), (1e-4, 0.6), (1e-3, 0.01)])
def test_a_million_frames_over_a_bad_wire(rate: float, goodput: float) -> None:
    whole, wrong, resync = fuzz(1_000_000, rate, size=60)
    assert (wrong, resync <= 1) == (0, True)
    assert whole >= goodput * 1_000_000
