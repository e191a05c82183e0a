"""All I/O: the contract of a transport, the drivers, and one thin adapter for each world; none is imported unless asked for."""
