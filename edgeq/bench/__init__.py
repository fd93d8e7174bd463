"""Measurement: latency statistics, validation against the oracle, gates."""
