"""One turn of the loop, synchronous and clock-free: inbox, journal, step, dispatch."""
