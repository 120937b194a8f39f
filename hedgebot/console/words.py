"""The book in plain text: numbers with their units, decisions in words, one-line and full status. Pure; no colours.

Every number has its unit, and its age where age matters; what is unknown is written "?", never 0.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from hedgebot.console.output import plain
from hedgebot.console.snapshot import (
    AccountRow,
    AlertRow,
    BookSnapshot,
    ChannelRow,
    DecisionRow,
    DeliveryFacts,
    LatchRow,
    OrderRow,
    PositionRow,
    Snapshot,
    StreamRow,
    TreasuryRow,
    UnderlyingRow,
    VenueRow,
)
from hedgebot.console.tracking_words import cost_lines, tracking_lines
from hedgebot.domain.settings import LimitSettings

UNKNOWN = "?"
NO_CAP_USD = LimitSettings().venue_equity_usd_max

_SEVERAL = 2
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
    if snapshot.alerts:
        parts.append(f"alerts: {', '.join(f'{one.kind} {one.runbook}' for one in snapshot.alerts)}")
    return " | ".join(parts)


def status_lines(snapshot: Snapshot) -> list[str]:
    """The whole book, for people without a screen."""
    book = snapshot.book
    daemon = snapshot.daemon
    lines = [
        f"mode      {book.mode.upper()}{' (latched)' if book.latched else ''}: {plain(book.mode_reason)}",
        (
            f"run       {daemon.run_mode or 'run mode ?'} book {daemon.book_name}, up {duration(daemon.uptime_s)}, "
            f"epoch {book.epoch or UNKNOWN}, config {book.config_hash or UNKNOWN}, version {daemon.version or UNKNOWN}"
        ),
    ]
    if book.canary_left_ms:
        lines.append(f"canary    smaller orders for another {duration(book.canary_left_ms / 1_000)}: see canary_hours")
    for one in book.underlyings:
        lines += _underlying_lines(one)
    for account in book.accounts:
        lines += account_lines(account)
    lines += [f"venue     {venue_line(one)}" for one in book.venues]
    lines += [f"treasury  {treasury_line(one)}" for one in book.treasury]
    lines.append(f"costs     fees {coins(book.fees)}; funding paid {coins(book.funding)}, {funding_forecast(book)}")
    lines.append(orders_line(book))
    lines += [f"          {plain(one.client_id)} {order_words(one)}" for one in book.orders]
    lines += [f"KILLED    {latch_line(one)}" for one in book.latches]
    lines += [f"ALERT     {alert_line(one)}" for one in snapshot.alerts]
    lines += channel_lines(daemon.alert_delivery)
    lines += [f"decision  {decision_line(one)}" for one in book.decisions[-5:]]
    return lines


def alert_line(one: AlertRow) -> str:
    """An alert in one line, with the page that says what to do."""
    what = f"{one.severity.upper()} {one.kind} {plain(one.subject)}: {plain(one.summary)}"
    return f"{what} (runbooks/{one.runbook}-*.md)"


def channel_lines(delivery: DeliveryFacts) -> list[str]:
    """How alerts reach people: each channel, and what waits."""
    channels = ", ".join(channel(one) for one in delivery.channels)
    if not channels:
        return []
    rest = f"; {delivery.waiting} waiting" if delivery.waiting else ""
    lost = f"; {delivery.dropped} DROPPED" if delivery.dropped else ""
    slowest = f"; slowest {delivery.latency.max_s:.2f} s of {delivery.latency.count}" if delivery.latency.count else ""
    return [f"told by   {channels}{slowest}{rest}{lost}"]


def channel(one: ChannelRow) -> str:
    """A channel in a few words."""
    if one.problem:
        return f"{one.name} FAILS ({plain(one.problem)}; RB-30)"
    return f"{one.name} ok" if one.handed_over else f"{one.name} not used yet"


def latch_line(one: LatchRow) -> str:
    """A kill in one line: scope, action, who and why, since when, and what an unkill must name."""
    where = "the book" if one.scope == "all" else f"{one.scope} {plain(one.name)}"
    action = f"{one.action}, done" if one.done else one.action
    note = f"; {plain(one.note)}" if one.note else ""
    review = f"; to review: {', '.join(map(plain, one.review))}" if one.review else ""
    return f"{where} ({action}) by {plain(one.operator)}: {plain(one.reason)}, {age(one.age_ms)} ago{note}{review}"


def account_lines(account: AccountRow) -> list[str]:
    """Margin, funding and connections of one account."""
    notes = (account.pocket, account.liquidation, stress_line(account), account.regime)
    return [
        (
            f"margin    {account.account} ({account.role}): {percent(account.margin_use)} used (maintenance / equity), "
            f"equity {usd(account.equity_usd)}, initial {usd(account.initial_margin_usd)}, "
            f"maintenance {usd(account.maintenance_margin_usd)}, age {age(account.margin_age_ms)}"
        ),
        *(f"          {plain(one)}" for one in notes if one),
        *(_watched_lines(account) if account.watched else _followed_lines(account)),
    ]


def _watched_lines(account: AccountRow) -> list[str]:
    """An account whose margin alone is read has neither streams nor a ledger."""
    return [f"data      {account.account}: only watched, its positions are no exposure here; {clock_offset(account)}"]


def _followed_lines(account: AccountRow) -> list[str]:
    truth = f"reconciled {age(account.reconciled_age_ms)} ago" if account.reconciled else "NOT RECONCILED"
    return [
        f"data      {account.account}: {streams(account)}; {truth}",
        f"dead man  {account.account}: {dead_man(account)}",
        *(f"          differs: {plain(one)}" for one in account.differences),
        *(f"          {plain(one)}" for one in account.unnamed),
    ]


def stress_line(account: AccountRow) -> str:
    """What the standing stresses would leave of an account; empty while unknown."""
    return "; ".join(plain(one) for one in (account.collateral_shock, account.margin_hike) if one)


def treasury_line(one: TreasuryRow) -> str:
    """The segments of an account's collateral, and the plan where one is needed."""
    held = (("trading", one.trading_qty), ("buffer", one.buffer_qty), ("emergency", one.emergency_qty))
    parts = ", ".join(f"{name} {UNKNOWN if qty is None else f'{qty:,.2f}'}" for name, qty in held)
    return f"{one.account}: {parts} {one.coin}{f'; {plain(one.plan)}' if one.plan else ''}"


def venue_line(one: VenueRow) -> str:
    """What is lost and left open if a venue is gone, and its share of the equity against its cap."""
    return f"{venue_gone(one)}; {venue_cap(one)}"


def venue_gone(one: VenueRow) -> str:
    """What is lost and left open if a venue is gone."""
    lost = f"{UNKNOWN} USD" if one.loss_usd is None else usd(-one.loss_usd, sign=True)
    left = ", ".join(f"{coin(two.delta_coin, two.underlying)} ({usd(two.delta_usd, sign=True)})" for two in one.gone)
    return f"{plain(one.venue)} gone: {lost}, leaves {left or 'nothing'} open"


def venue_cap(one: VenueRow) -> str:
    """A venue's share of the equity, and its region's where that was told, against its cap."""
    most, most_usd = one.share_max, one.equity_usd_max
    held = f"{percent(one.share)} of all equity"
    if one.region:
        held += f" ({plain(one.region)}: {percent(one.region_share)})"
    if most is not None and most < 1.0:
        return f"{held}, cap {percent(most)}"
    bound = f"cap {usd(most_usd)}" if most_usd is not None and most_usd < NO_CAP_USD else "no cap"
    return f"{held}, {bound}"


def dead_man(account: AccountRow) -> str:
    """How the venue's dead-man's switch stands; it cancels orders and keeps positions."""
    return plain(account.dead_man) or "none asked for, immediate-or-cancel orders only"


def streams(account: AccountRow) -> str:
    """Ages of the connections and the clock's offset."""
    return ", ".join([*map(stream, account.streams), clock_offset(account)])


def stream(one: StreamRow) -> str:
    """A connection with the age of its last sign of life."""
    return f"{one.stream} {age(one.age_ms)}{'' if one.up else ' DOWN'}"


def clock_offset(account: AccountRow) -> str:
    """How far the venue's clock is from ours."""
    return f"clock {UNKNOWN if account.clock_offset_ms is None else f'{account.clock_offset_ms:+.1f} ms'}"


def orders_line(book: BookSnapshot) -> str:
    """Counts of orders and decisions."""
    return (
        f"orders    {len(book.orders)} open, {book.unknown_orders} unknown; "
        f"{unsigned(book.hedges)} hedges, {unsigned(book.refusals)} refusals"
    )


def order_words(one: OrderRow) -> str:
    """An order in a few words."""
    qty = UNKNOWN if one.qty_contracts is None else f"{one.qty_contracts:,f}"
    return f"{one.side} {qty} {plain(instrument_name(one.instrument))} {one.status} {age(one.age_ms)}"


def coins(amounts: Mapping[str, Decimal]) -> str:
    """Amounts of several coins."""
    digits = {name: 2 if name.startswith("USD") else 8 for name in amounts}
    return ", ".join(f"{amount:,.{digits[name]}f} {name}" for name, amount in amounts.items()) or "0"


def funding_forecast(book: BookSnapshot) -> str:
    """What the hedges' funding will cost by forecast, against its limit."""
    limit = usd(book.funding_limit_usd_per_day)
    return f"funding {usd(book.funding_usd_per_day, sign=True)}/day of {limit}/day allowed"


def instrument_name(instrument: str) -> str:
    """The instrument without its venue, as short as it stays unambiguous: `linear BTCUSDT`."""
    _, _, rest = instrument.partition(":")
    return rest.replace(":", " ") or f"coins {instrument}"


def position_name(row: PositionRow) -> str:
    """Name of a position's instrument, harmless for a terminal."""
    if row.kind == "token":
        return plain(f"token {row.instrument} x {row.ratio or 0.0:g} on {row.venue}/{row.account}")
    return plain(instrument_name(row.instrument))


def _against_band(one: UnderlyingRow) -> str:
    digits = coin_digits(one.underlying)
    return f"{signed(one.delta_coin, digits)} {one.underlying} of {band(one)}"


def band(one: UnderlyingRow) -> str:
    """The band, without the coin's name."""
    width = f"±{UNKNOWN}" if one.band_coin is None else half_widths(one.band_coin, one.band_below_coin)
    around = f" around {one.centre_coin:.4g}" if one.centre_coin else ""
    return f"{width}{around}"


def half_widths(above_coin: float, below_coin: float | None = None) -> str:
    """Both half widths of a band as one word: "±0.25", or "-1/+0.25" where it reaches farther on one side."""
    same = below_coin is None or below_coin == above_coin
    return f"±{above_coin:.4g}" if same else f"-{below_coin:.4g}/+{above_coin:.4g}"


def _underlying_lines(one: UnderlyingRow) -> list[str]:
    name = one.underlying
    worst = unsigned(one.worst_case_coin, coin_digits(name))
    lines = [
        (
            f"{name:9} net delta {coin(one.delta_coin, name)} ({usd(one.delta_usd, sign=True)}), "
            f"band {band(one)}, limit ±{unsigned(one.limit_coin, 2)}, worst case {worst} {name}"
        ),
        f"          gamma {coin(one.gamma_coin_per_pct, name)} per 1 %, price {usd(one.price_usd)}, {triggers(one)}",
        f"          book age {age(one.book_age_ms)}, option age {age(one.option_age_ms)}; {plain(one.why_not)}",
    ]
    if one.scope:
        outside = coin(one.outside_coin, name)
        lines.append(f"          hedged are {plain(one.scope)} alone; outside that {outside} are not hedged")
    lines += _hedge_lines(one)
    lines += cost_lines(one)
    lines += tracking_lines(one)
    lines += [
        f"          {position_name(row)} {position_size(row, name)}, mark {unsigned(row.mark, 2)} {age(row.age_ms)}"
        + ("" if row.in_scope else " (outside the scope)")
        for row in one.positions
    ]
    return lines


def _hedge_lines(one: UnderlyingRow) -> list[str]:
    """What stands in each hedge instrument, where there is more than one."""
    if len(one.hedge_legs) < _SEVERAL:
        return []
    digits = coin_digits(one.underlying)
    held = ", ".join(
        f"{plain(instrument_name(leg.instrument))} ({leg.role}) {signed(leg.held_coin, digits)} {age(leg.book_age_ms)}"
        for leg in one.hedge_legs
    )
    against = f"{unsigned(one.opposed_coin, digits)} against each other of at most {one.opposed_coin_max:g}"
    return [f"          hedges {held}; {against}"]


def hedge_names(one: UnderlyingRow) -> str:
    """The hedge instruments, each with its role where there are several."""
    if len(one.hedge_legs) < _SEVERAL:
        return instrument_name(one.hedge_instrument)
    return ", ".join(f"{instrument_name(leg.instrument)} ({leg.role})" for leg in one.hedge_legs)


def triggers(one: UnderlyingRow) -> str:
    """Prices of the underlying at which gamma alone makes the next hedge due."""
    down, up = one.next_trigger_down_usd, one.next_trigger_up_usd
    if down is None and up is None:
        return "no price triggers a hedge"
    parts = [f"< {unsigned(down)}" if down is not None else "", f"> {unsigned(up)}" if up is not None else ""]
    return f"hedge {' or '.join(part for part in parts if part)} USD"


def position_size(row: PositionRow, name: str) -> str:
    """Size of a position with its unit."""
    if row.contracts is None:
        return UNKNOWN
    unit = {"coins": name, "token": plain(row.instrument)}.get(row.kind, "contracts")
    return f"{row.contracts:+,f} {unit}"
