"""The book in plain text: numbers with their units, decisions in words, one-line and full status. Pure; no colours.

Every number has its unit, and its age where age matters; what is unknown is written "?", never 0.
"""

from datetime import UTC, datetime
from decimal import Decimal

from hedgebot.console.output import plain
from hedgebot.console.snapshot import (
    AccountRow,
    AlertRow,
    BookSnapshot,
    DecisionRow,
    PositionRow,
    Snapshot,
    UnderlyingRow,
)

UNKNOWN = "?"
_CAUSES = {"fill": "after a fill", "price": "price moved", "recovery": "at recovery", "operator": "operator's word"}


def signed(value: float | None, digits: int = 4) -> str:
    """A signed number with thousands separated."""
    return UNKNOWN if value is None else f"{value:+,.{digits}f}"


def unsigned(value: float | Decimal | None, digits: int = 0) -> str:
    """A number with thousands separated."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}"


def coin(value: float | None, name: str) -> str:
    """A signed amount of a coin; coins of little value need fewer digits."""
    return f"{signed(value, coin_digits(name))} {name}"


def coin_digits(name: str) -> int:
    """Digits that matter: 0.0001 BTC is some USD, 0.001 ETH as well."""
    return {"BTC": 4, "ETH": 3}.get(name, 2)


def usd(value: float | None, *, sign: bool = False) -> str:
    """An amount of USD without cents from 1,000 on."""
    if value is None:
        return f"{UNKNOWN} USD"
    digits = 0 if abs(value) >= 1_000 else 2
    return f"{value:+,.{digits}f} USD" if sign else f"{value:,.{digits}f} USD"


def percent(ratio: float | None) -> str:
    """A ratio as per cent."""
    return f"{UNKNOWN} %" if ratio is None else f"{ratio * 100:.1f} %"


def age(age_ms: float | None) -> str:
    """An age with the unit that fits."""
    if age_ms is None:
        return UNKNOWN
    if age_ms < 1_000:
        return f"{age_ms:.0f} ms"
    seconds = age_ms / 1_000
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"


def clock(at_ns: int) -> str:
    """A moment as UTC time of day."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%H:%M:%S") if at_ns else "--:--:--"


def duration(seconds: float | None) -> str:
    """A length of time as m:ss or h:mm:ss."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def cause(decision: DecisionRow) -> str:
    """What moved the exposure, in words."""
    return _CAUSES.get(decision.cause, decision.cause)


def decision_line(decision: DecisionRow) -> str:
    """A decision in one line: when, what was done, why."""
    name = decision.underlying
    return (
        f"{clock(decision.at_ns)} {name} {decision_action(decision)}: {plain(decision.explanation) or cause(decision)}"
    )


def decision_action(decision: DecisionRow) -> str:
    """What was done, with its unit."""
    name, trade = decision.underlying, decision.trade_coin
    if trade is None:
        return decision.outcome
    side = "buy" if trade > 0 else "sell"
    amount = f"{side} {abs(trade):,.{coin_digits(name)}f} {name}"
    return amount if decision.outcome == "hedge" else f"{decision.outcome} ({amount})"


def status_line(snapshot: Snapshot) -> str:
    """The book in one line, for a log or a pipe."""
    book = snapshot.book
    parts = [f"{clock(book.at_ns)} {book.mode.upper()}"]
    parts += [f"{one.underlying} {_against_band(one)}" for one in book.underlyings]
    parts += [f"margin {percent(one.margin_use)}" for one in book.accounts]
    parts.append(f"hedges {unsigned(book.hedges)}")
    if book.unknown_orders:
        parts.append(f"{book.unknown_orders} unknown orders")
    if book.alerts:
        parts.append(f"alerts: {', '.join(f'{one.kind} {one.runbook}' for one in book.alerts)}")
    return " | ".join(parts)


def status_lines(snapshot: Snapshot) -> list[str]:
    """The whole book, for people without a screen."""
    book = snapshot.book
    lines = [
        f"mode      {book.mode.upper()}{' (latched)' if book.latched else ''}: {plain(book.mode_reason)}",
        (
            f"run       {book.run_mode or 'run mode ?'}, up {duration(snapshot.uptime_s)}, "
            f"epoch {book.epoch or UNKNOWN}, config {book.config_hash or UNKNOWN}, version {snapshot.version or UNKNOWN}"
        ),
    ]
    for one in book.underlyings:
        lines += _underlying_lines(one)
    for account in book.accounts:
        lines += account_lines(account)
    lines.append(orders_line(book))
    lines += [
        f"          {plain(one.client_id)} {one.side} {one.qty} {one.instrument} {one.status}, age {age(one.age_ms)}"
        for one in book.orders
    ]
    lines += [f"ALERT     {alert_line(one)}" for one in book.alerts]
    lines += [f"decision  {decision_line(one)}" for one in book.decisions[-5:]]
    return lines


def alert_line(one: AlertRow) -> str:
    """An alert in one line, with the page that says what to do."""
    what = f"{one.severity.upper()} {one.kind} {plain(one.subject)}: {plain(one.summary)}"
    return f"{what} (runbooks/{one.runbook}.md)"


def account_lines(account: AccountRow) -> list[str]:
    """Margin, funding and connections of one account."""
    return [
        (
            f"margin    {account.account} ({account.role}): {percent(account.margin_use)} used (maintenance / equity), "
            f"equity {usd(account.equity_usd)}, initial {usd(account.initial_margin_usd)}, "
            f"maintenance {usd(account.maintenance_margin_usd)}, age {age(account.margin_age_ms)}"
        ),
        (
            f"funding   {account.account}: paid {usd(account.funding_paid_usd)}, "
            f"forecast {usd(account.funding_forecast_usd_per_day, sign=True)}/day"
        ),
        f"data      {account.account}: {streams(account)}",
    ]


def streams(account: AccountRow) -> str:
    """Ages of the connections and the clock's offset."""
    parts = [f"{name} {age(one.age_ms)}{'' if one.up else ' DOWN'}" for name, one in account.streams.items()]
    offset = UNKNOWN if account.clock_offset_ms is None else f"{account.clock_offset_ms:+.1f} ms"
    return ", ".join([*parts, f"clock {offset}"])


def orders_line(book: BookSnapshot) -> str:
    """Counts of orders and decisions."""
    return (
        f"orders    {len(book.orders)} open, {unsigned(book.unknown_orders)} unknown; "
        f"{unsigned(book.hedges)} hedges, {unsigned(book.refusals)} refusals, fees {usd(book.fees_usd)}"
    )


def instrument_name(instrument: str) -> str:
    """The instrument without its venue, as short as it stays unambiguous: `linear BTCUSDT`."""
    _, _, rest = instrument.partition(":")
    return rest.replace(":", " ") or instrument


def position_name(row: PositionRow) -> str:
    """Name of a position's instrument, harmless for a terminal."""
    return plain(instrument_name(row.instrument))


def _against_band(one: UnderlyingRow) -> str:
    digits = coin_digits(one.underlying)
    return f"{signed(one.delta_coin, digits)} {one.underlying} of {band(one)}"


def band(one: UnderlyingRow) -> str:
    """The band around its target, without the coin's name."""
    width = UNKNOWN if one.band_coin is None else f"{one.band_coin:g}"
    return f"±{width}" if not one.target_coin else f"{one.target_coin:+g}±{width}"


def _underlying_lines(one: UnderlyingRow) -> list[str]:
    name = one.underlying
    lines = [
        (
            f"{name:9} net delta {coin(one.delta_coin, name)} ({usd(one.delta_usd, sign=True)}), target "
            f"{signed(one.target_coin, 2)}, band {band(one)}, limit ±{unsigned(one.limit_coin, 2)}, "
            f"worst case {coin(one.worst_case_coin, name)}"
        ),
        (
            f"          gamma {coin(one.gamma_coin_per_pct, name)} per 1 %, index {usd(one.index_usd)}, "
            f"next hedge below {usd(one.next_trigger_down_usd)} or above {usd(one.next_trigger_up_usd)}; {plain(one.why_not)}"
        ),
    ]
    lines += [
        f"          {position_name(row)} {row.contracts} contracts, delta {coin(row.delta_coin, name)}, "
        f"mark {unsigned(row.mark, 2)}, age {age(row.age_ms)}"
        for row in one.positions
    ]
    return lines
