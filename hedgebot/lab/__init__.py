"""The same turn on virtual time: backtest, tuning, fault simulation."""
