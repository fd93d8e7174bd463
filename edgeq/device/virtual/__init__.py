"""Virtual boards: Cortex-M cores run by Unicorn, in a process of their own."""
