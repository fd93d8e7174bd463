"""The arena: how long tensors live, and where they lie."""
