"""The MLPerf Tiny text protocol: a session with a board, directly or behind an IO manager."""
