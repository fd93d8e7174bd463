"""Linux boards: the machine, its interpreter, and the runner that measures on it."""
