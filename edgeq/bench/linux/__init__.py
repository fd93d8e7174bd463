"""Measurement on Linux boards: an interpreter runs the model there, or on this computer."""
