"""Recipes: ordered steps from a float model to an integer one, as TOML."""
