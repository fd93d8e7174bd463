"""Whether the machine throttled while it measured.

The flags are those of `vcgencmd get_throttled` (Raspberry Pi documentation, `vcgencmd`): bits 0-3
say what holds now, bits 16-19 the same since boot.
"""

from __future__ import annotations

from edgeq.core.records import HostState
from edgeq.device.linux.replies import State

FLAGS = {
    0: "under-voltage",
    1: "frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
SINCE_BOOT = 16


def decode_flags(bits: int) -> tuple[str, ...]:
    """Return the names of the flags that are set; those of earlier end in 'since boot'."""
    now = [name for bit, name in FLAGS.items() if bits >> bit & 1]
    earlier = [f"{name} since boot" for bit, name in FLAGS.items() if bits >> bit + SINCE_BOOT & 1]
    return (*now, *earlier)


def host_state(state: State) -> HostState:
    """Return the state with its flags named."""
    bits = state.throttled_bits
    return HostState(
        governor=state.governor,
        frequency_hz=state.frequency_hz,
        temperature_c=state.temperature_c,
        throttled=None if bits is None else decode_flags(bits),
    )


def find_throttling(before: State, after: State) -> tuple[str, ...]:
    """Return what slowed the machine during the runs; empty where they are valid.

    A flag counts that is set at either end, or that became 'since boot' in between: what came and
    went during the runs shows there alone.
    """
    first, last = before.throttled_bits or 0, after.throttled_bits or 0
    came = (last & ~first) >> SINCE_BOOT
    reasons = [name for bit, name in FLAGS.items() if (first | last | came) >> bit & 1]
    if before.throttle_events is not None and after.throttle_events is not None:
        events = after.throttle_events - before.throttle_events
        reasons += [f"throttled by heat {events} times"] if events > 0 else []
    return tuple(reasons)
