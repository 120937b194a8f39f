"""What shares margin in Binance's USD-M account outside multi-assets mode: each coin by itself, each isolated position.

There the sums of the answer (`total...`) are of USDT alone. Owns the choice of fields; asks nobody. Where a coin has
isolated positions beside crossed ones the row of the coin counts them in, so that the crossed positions' own margins
are added up. Source: GET /fapi/v2/account.
"""

from hedgebot.domain.health import AccountHealth
from hedgebot.venues.health.words import absent, total
from hedgebot.venues.reading import Raw, as_rows, float_or_none, text
from hedgebot.venues.watched.pockets import Pocket

QUOTES = ("USDT", "USDC")


def quote_of(symbol: str) -> str | None:
    """The coin that a USD-M contract is quoted and settled in, dated or not; None for one that we do not know."""
    return next((one for one in QUOTES if symbol.partition("_")[0].endswith(one)), None)


def coins_of(frame: Raw) -> dict[str, float]:
    """What the account has of each coin, with open profit."""
    rows = as_rows(frame.get("assets"), "assets")
    return {text(row, "asset"): equity for row in rows if (equity := float_or_none(row, "marginBalance"))}


def pockets_of(frame: Raw) -> tuple[Pocket, ...]:
    """Coins first, then isolated positions. FrameProblem where the answer has no list of either."""
    coins = as_rows(frame.get("assets"), "assets")
    held = [one for one in as_rows(frame.get("positions"), "positions") if float_or_none(one, "positionAmt")]
    return (*(_coin(row, held) for row in coins), *isolated_of(frame))


def isolated_of(frame: Raw) -> tuple[Pocket, ...]:
    """The positions that stand by themselves."""
    rows = as_rows(frame.get("positions"), "positions")
    return tuple(_alone(one) for one in rows if _is_isolated(one) and float_or_none(one, "positionAmt"))


def _is_isolated(row: Raw) -> bool:
    return row.get("isolated") is True


def _coin(row: Raw, held: list[Raw]) -> Pocket:
    coin = text(row, "asset")
    mine = [one for one in held if quote_of(text(one, "symbol")) == coin]
    fields = ("marginBalance", "initialMargin", "maintMargin")
    equity, initial, maintenance = (float_or_none(row, one) for one in fields)
    if any(_is_isolated(one) for one in mine):
        crossed = [one for one in mine if not _is_isolated(one)]
        equity = total(float_or_none(row, "crossWalletBalance"), float_or_none(row, "crossUnPnl"))
        maintenance = total(*(float_or_none(one, "maintMargin") for one in crossed))
        initial = None  # that of open orders would be missing
    health = AccountHealth(
        venue="binance",
        account="USD-M",
        unit=coin,
        equity=equity,
        initial=initial,
        maintenance=maintenance,
        missing=absent(row, *fields),
    )
    return Pocket(health, settles=coin)


def _alone(row: Raw) -> Pocket:
    symbol = text(row, "symbol")
    health = AccountHealth(
        venue="binance",
        account=f"USD-M {symbol}",
        unit=quote_of(symbol) or symbol,
        equity=total(float_or_none(row, "isolatedWallet"), float_or_none(row, "unrealizedProfit")),
        initial=float_or_none(row, "initialMargin"),
        maintenance=float_or_none(row, "maintMargin"),
        missing=absent(row, "isolatedWallet", "unrealizedProfit", "initialMargin", "maintMargin"),
    )
    return Pocket(health, alone=f"the position in {symbol} is isolated")
