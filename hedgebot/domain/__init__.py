"""Values and names of hedging: instruments, quantities, events, commands, orders, settings, errors and the ports.

Owns: what a thing is called, what it is worth and what may happen. Must not: import another room, read a clock, do IO.
"""
