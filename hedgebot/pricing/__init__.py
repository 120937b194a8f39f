"""Option maths on numpy arrays: Black-76, greeks, implied volatility, smile."""
