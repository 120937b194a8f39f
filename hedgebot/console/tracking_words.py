"""What hedges cost, and predicted and realised tracking, in words for `hedgebot status`. Pure; unknown is "?"."""

from hedgebot.console.output import plain
from hedgebot.console.snapshot import FiguresRow, UnderlyingRow

UNKNOWN = "?"


def tracking_lines(one: UnderlyingRow) -> list[str]:
    """What the bands in force promised since the window began, and what came; empty before there is a window."""
    if one.tracked_days <= 0.0:
        return []
    hours = one.tracked_days * 24.0
    length = f"{hours:.1f} h" if hours < 48.0 else f"{one.tracked_days:.1f} days"
    doubt = (
        [f"          {' ' * len(f'last {length},')} predicted figures are {one.unpredicted}"] if one.unpredicted else []
    )
    return [
        f"          last {length}, predicted: {_figures(one.predicted, one.underlying)}",
        f"          {' ' * len(f'last {length},')} realised: {_figures(one.realised, one.underlying)}",
        *doubt,
        (
            f"          volatility {_of(one.vol_year, '.1%')} a year, others' trades "
            f"{_of(one.flow_coin2_day, '.4g')} {one.underlying}2 a day"
        ),
    ]


def cost_lines(one: UnderlyingRow) -> list[str]:
    """What bands take a hedge to cost one way, beside what our own fills say; empty where neither is told."""
    cost = one.cost
    if cost.in_force_bps is None:
        return []
    measured = _measured(cost.measured_bps, cost.fills)
    known = f"configured {_of(cost.configured_bps, '.3g')}, {measured}"
    lines = [f"          a hedge costs {cost.in_force_bps:.3g} bps one way ({cost.source}): {known}"]
    if len(one.hedge_legs) > 1:
        lines += [
            f"          in {plain(leg.instrument)} {_of(leg.cost_bps, '.3g')} bps, "
            + _measured(leg.measured_bps, leg.cost_fills)
            for leg in one.hedge_legs
        ]
    return lines


def _measured(measured_bps: float | None, fills: int) -> str:
    return "nothing measured yet" if measured_bps is None else f"measured {measured_bps:.3g} bps from {fills} fills"


def _figures(one: FiguresRow, name: str) -> str:
    return (
        f"tracking error {_of(one.tracking_error_usd_root_day, ',.0f')} USD/sqrt(day), "
        f"cost {_of(one.cost_usd_day, ',.2f')} USD/day, turnover {_of(one.turnover_coin_day, '.4g')} {name}/day, "
        f"{_of(one.orders_day, '.1f')} orders/day, E {_of(one.efficiency, '.3f')}"
    )


def _of(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)
