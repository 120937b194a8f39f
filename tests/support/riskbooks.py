"""Books for tests of risk numbers."""

from hedgebot.domain.riskbook import AccountPoint, LegKind, LinearLeg, OptionLeg, RiskBook, UnderlyingPoint

AT_NS = 1_767_400_000_000_000_000
"""2026-01-03: the day after the history that ships ends."""

DAY_NS = 86_400 * 1_000_000_000


def coins(coin: str, size: float, *, kind: LegKind = LegKind.PERP, account: str = "main") -> LinearLeg:
    """A linear leg."""
    return LinearLeg(
        account=account, underlying=coin, instrument=f"x:{kind}:{coin}", kind=kind, coins=size, nominal_coins=abs(size)
    )


def option(coin: str, size: float, *, price: float, strike: float, days: float = 30.0, call: bool = True) -> OptionLeg:
    """An option at 60 % of volatility."""
    return OptionLeg(
        account="main",
        underlying=coin,
        instrument=f"x:option:{coin}-{strike:g}-{'C' if call else 'P'}",
        coins=size,
        forward=price,
        strike=strike,
        expiry_ns=AT_NS + round(days * DAY_NS),
        vol=0.6,
        is_call=call,
    )


def book(
    *legs: LinearLeg | OptionLeg,
    prices: dict[str, float] | None = None,
    equity: float | None = 1_000_000.0,
    margin: float | None = 10_000.0,
    at_ns: int = AT_NS,
) -> RiskBook:
    """A book on one account."""
    return RiskBook(
        at_ns=at_ns,
        underlyings=tuple(
            UnderlyingPoint(underlying=name, price_usd=price)
            for name, price in (prices or {"BTC": 100_000.0, "ETH": 4_000.0}).items()
        ),
        linear=tuple(one for one in legs if isinstance(one, LinearLeg)),
        options=tuple(one for one in legs if isinstance(one, OptionLeg)),
        accounts=(AccountPoint(account="main", equity_usd=equity, maintenance_margin_usd=margin),),
    )
