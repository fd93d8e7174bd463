"""The examples' networks, one module a task; Keras is imported inside their functions."""
