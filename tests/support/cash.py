"""Settlement cash that is gone from a candidate's account."""

from decimal import Decimal

from hedgebot.core.candidate import Candidate
from hedgebot.core.cash_state import CashDifference, CoinCash


def cash_gone(one: Candidate, *, told: bool = True) -> Candidate:
    """The same candidate, with a wallet that two readings, or one, found short."""
    gone = CashDifference(venue_value=Decimal(1), ours=Decimal(9), count=2 if told else 1, told=told)
    one.account.cash["USDT"] = CoinCash(qty=Decimal(9), difference=gone)
    return one
