"""Which dated record of each venue's margin parameters ships with this package. Names only: reads and knows nothing."""

from collections.abc import Mapping

FILES: Mapping[str, str] = {
    "bybit": "bybit_20261125.json",
    "binance": "binance_20241001.json",
    "delta": "delta_20261126.json",
    "deribit": "deribit_20260201.json",
    "derive": "derive_20260121.json",
    "dydx": "dydx_20231026.json",
    "hyperliquid": "hyperliquid_20260822.json",
    "kraken": "kraken_20261126.json",
    "okx": "okx_20250102.json",
    "paradex": "paradex_20260820.json",
}
"""The newest record of each venue, in the margin room's folder."""
