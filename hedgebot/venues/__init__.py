"""Real exchanges behind the port: ccxt.pro adapters and venue profiles."""
