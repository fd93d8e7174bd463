"""Virtual boards: Cortex-M and RISC-V cores run by Unicorn, in a process of their own."""
