"""Sweeps: models x schemes x boards x options from one TOML, in parallel, resumable."""
