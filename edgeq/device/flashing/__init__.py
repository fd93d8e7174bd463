"""Flashing, in parts: what is written where, how each tool is called, what a profile may say."""
