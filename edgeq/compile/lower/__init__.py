"""Lowerings: one module for each family of operators, one function for each operator."""
