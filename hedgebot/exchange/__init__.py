"""The simulated exchange: one deterministic model behind two faces."""
