"""The laboratory: the daemon's own turn against the exchange in process, on virtual time."""
