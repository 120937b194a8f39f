"""What the signed paths about assets answer: coins, deliveries, settlements, and records that are empty here.

Nobody deposits, withdraws, transfers or converts at a simulated exchange: those lists are empty, never invented.
Source: docs/v5/asset/*.mdx.
"""

from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params


def coin_info(api: Api, _account: str, params: Params) -> Fields:
    """Every coin that anything here is quoted or settled in; no chain takes deposits or withdrawals."""
    wanted = params.text("coin")
    coins = {"USD", "USDT", "USDC"}
    for listing in api.exchange.listings():
        coins |= {listing.instrument.underlying, listing.instrument.quote, listing.instrument.settle}
    return {
        "rows": [
            {"name": coin, "coin": coin, "remainAmount": "", "chains": [_chain(coin)]}
            for coin in sorted(coins)
            if wanted in {"", coin}
        ]
    }


def _chain(coin: str) -> Fields:
    return {
        "chain": coin,
        "chainType": coin,
        "confirmation": "1",
        "withdrawFee": "",
        "depositMin": "0",
        "withdrawMin": "0",
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "1",
        "withdrawMax": "-1",
    }
