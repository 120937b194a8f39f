"""What the signed path about portfolio margin answers: profits by price and volatility, contingencies, margin by coin.

Owns the shape only; the grid is `pnlgrid.py`'s. Source: docs/v5/asset/portfolio-margin.mdx and its example (case BYB-1
of the margin reference). Assumed, the page does not say: accounts in other margin modes have no ranges; dated futures
stand among the perpetuals; `contractType` 1, 3 and 4 (it shows 2, a linear perpetual, and 5, an option, alone).
"""

from collections.abc import Iterable

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.pnlgrid import CoinGrid, LegGrid
from hedgebot.exchange.types import SimPosition
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.words import dec, flt
from hedgebot.margin.scenario import Floats

_OPTION = 5
_CONTRACT_TYPE = {
    InstrumentKind.INVERSE_PERP: 1,
    InstrumentKind.LINEAR_PERP: 2,
    InstrumentKind.INVERSE_FUTURE: 3,
    InstrumentKind.LINEAR_FUTURE: 4,
}
# No formula of these is known (`bybit_portfolio.UNCOVERED`): nothing is charged for them here.
_UNCHARGED = ("optionContingency", "futureDeltaContingency", "optionVegaContingency", "usdtUsdcContingency")


def portfolio_margin(api: Api, account: str, params: Params) -> Fields:
    """The wallet, and each base coin's grid; `baseCoin` picks one."""
    wanted = params.text("baseCoin")
    wallet = api.exchange.wallet(account)
    positions = api.exchange.positions(account)
    orders = _order_sizes(api, account)
    return {
        "wallet": {
            "equity": flt(wallet.equity_usd),
            "cashBalance": flt(wallet.wallet_usd),
            "marginBalance": flt(wallet.margin_balance_usd),
            "availableBalance": flt(wallet.available_usd),
            "accountIM": flt(wallet.initial_margin_usd),
            "accountMM": flt(wallet.maintenance_margin_usd),
            "accountMMRate": flt(wallet.maintenance_margin_rate, 4),
            "accountIMRate": flt(wallet.initial_margin_rate, 4),
        },
        "assetPnlRange": [
            _coin_fields(grid, positions, orders, {one.coin: dec(one.wallet) for one in wallet.coins})
            for grid in api.exchange.portfolio_grids(account)
            if wanted in {"", grid.coin}
        ],
    }


def _order_sizes(api: Api, account: str) -> dict[str, str]:
    """Contracts of open orders by symbol, both sides together."""
    sizes = dict.fromkeys((one.instrument for one in api.exchange.open_orders(account)), ZERO)
    for order in api.exchange.open_orders(account):
        sizes[order.instrument] += order.qty_contracts - order.filled_contracts
    return {name: dec(size) for name, size in sizes.items()}


def _coin_fields(
    grid: CoinGrid, positions: tuple[SimPosition, ...], orders: dict[str, str], wallets: dict[str, str]
) -> Fields:
    total = grid.total()
    worst = total.argmin(axis=1)
    row, column = divmod(grid.margin.worst, len(grid.shocks))
    contracts = [one for one in grid.legs if not one.instrument.kind.is_option]

    def at_worst(profits: Floats) -> list[Fields]:
        """Profits at the volatility that is worst for the whole, move by move."""
        picked = [profits[number, shock : shock + 1] for number, shock in enumerate(worst)]
        return _ranges(grid, picked)

    return {
        "baseCoin": grid.coin,
        "totalPnlRanges": {
            "ALL": {"pnlRanges": at_worst(total)},
            "PERPETUAL": {"pnlRanges": at_worst(grid.part(options=False))},
            "OPTION": {"pnlRanges": at_worst(grid.part(options=True))},
        },
        "perpPositionPnlRanges": [
            {**_leg_fields(one, one.profits[:, :1], grid, positions, orders), "symbolAlias": one.instrument.symbol}
            for one in contracts
        ],
        "optionExpiryDatePnlRanges": _expiries(grid, positions, orders),
        "contingency": {
            **dict.fromkeys(_UNCHARGED, _amount(0.0)),
            "contingencyComponents": _amount(grid.margin.futures_contingency),
            "futureContingency": _amount(grid.margin.futures_contingency),
        },
        "asset": {"coin": grid.coin, "assetIM": flt(grid.margin.initial), "assetMM": flt(grid.margin.maintenance)},
        "maxLossPriceMove": str(grid.moves[row]),
        "maxLossIvShock": str(grid.shocks[column]),
        "totalClosePzFee": "0",
        "spotHedgeInfo": {
            "hedgeSpotSize": "0",
            "walletBalance": wallets.get(grid.coin, "0"),
            "usdIndexPrice": flt(grid.index),
            "pnlRanges": [{"priceScale": str(move), "pnls": ["0"]} for move in grid.moves],
        },
        "maxLossIvShockList": [str(grid.shocks[shock]) for shock in worst],
    }


def _expiries(grid: CoinGrid, positions: tuple[SimPosition, ...], orders: dict[str, str]) -> list[Fields]:
    """Options by expiry, each with a column for each volatility: up, unchanged, down."""
    falling = sorted(range(len(grid.shocks)), key=lambda number: -grid.shocks[number])
    by_date: dict[str, list[LegGrid]] = {}
    for one in grid.legs:
        if one.instrument.kind.is_option:
            by_date.setdefault(one.instrument.symbol.split("-")[1], []).append(one)
    found: list[Fields] = []
    for date, legs in by_date.items():
        total = grid.total() * 0.0
        for one in legs:
            total += one.profits
        rows = [_leg_fields(one, one.profits[:, falling], grid, positions, orders) for one in legs]
        found.append(
            {
                "expiryDateRepresentation": date,
                "pnlRanges": _ranges(grid, total[:, falling]),
                "optionPositionPnlRanges": rows,
            }
        )
    return found


def _leg_fields(
    leg: LegGrid, profits: Floats, grid: CoinGrid, positions: tuple[SimPosition, ...], orders: dict[str, str]
) -> Fields:
    one = leg.instrument
    mine = [position for position in positions if position.instrument == one.id]
    return {
        "symbolName": one.symbol,
        "position": dec(sum((position.contracts for position in mine), ZERO)),
        "pnlRanges": _ranges(grid, profits),
        # Two sides of hedge mode have no price in common.
        "sessionAvgPrice": "0" if one.kind.is_option or len(mine) != 1 else dec(mine[0].entry_price),
        "markPrice": dec(mine[0].mark_price),
        "orderSize": orders.get(one.id, "0"),
        "contractType": _CONTRACT_TYPE.get(one.kind, _OPTION),
        "settleCoin": one.settle,
    }


def _ranges(grid: CoinGrid, profits: Iterable[Floats]) -> list[Fields]:
    """Rows of the grid, one a move."""
    return [
        {"priceScale": str(move), "pnls": [_amount(float(value)) for value in row]}
        for move, row in zip(grid.moves, profits, strict=True)
    ]


def _amount(value: float) -> str:
    """Eight decimals, all of them written, as in the example; no negative zero."""
    return f"{round(value, 8) + 0.0:.8f}"
