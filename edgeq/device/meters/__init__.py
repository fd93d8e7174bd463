"""Power meters behind one interface."""
