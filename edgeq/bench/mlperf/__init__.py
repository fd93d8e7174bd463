"""MLPerf Tiny, the host's side: scripts, datasets, windows, accuracy, and what is submitted."""
