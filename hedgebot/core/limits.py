"""Margin use, funding, loss and freshness as numbers, and the standing watch over accounts. Sends no order.

Margin use is maintenance margin / equity (bad direction: up). Unknown is never zero: it is None, and what would add
risk is refused on it. Positive funding is paid by longs to shorts; cost is positive.
"""

import math
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from hedgebot.core import margin_legs, margin_report, margin_watched, market
from hedgebot.core.ledger import position_contracts
from hedgebot.core.risk_state import Mark
from hedgebot.core.state import AccountState, EngineState, followed
from hedgebot.core.step import Step
from hedgebot.core.treasury_state import SETTLE_NS, UNSURE_NS_MAX, Move, MoveStatus
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_MS
from hedgebot.domain.instrument import Instrument, InstrumentId, venue_of
from hedgebot.domain.reports import WalletReport
from hedgebot.domain.settings import UnderlyingSettings

_HOURS_PER_DAY = 24.0
_STEADY_NS = 10_000_000_000
"""How long a connection must have stood before it counts as good again."""


def margin_use(state: EngineState, account: AccountState, at_ns: int) -> float | None:
    """Maintenance margin / equity, the larger of the venue's number and what our model makes of it since.

    None when the venue's is missing or too old, infinite when margin is due and no equity left.
    """
    wallet = account.wallet
    if wallet is None or at_ns - account.wallet_at_ns > state.limits.margin_age_ms_max * NS_PER_MS:
        return None
    maintenance, equity = wallet.maintenance_margin_usd, wallet.equity_usd
    if maintenance is None or equity is None:
        return None
    if maintenance == 0:
        use = 0.0
    elif equity <= 0:
        use = math.inf
    else:
        use = float(maintenance / equity)
    for known in (account.margin.use, margin_watched.stated_use(account)):
        if known is not None and known > use:
            use = known
    return use


def margin_age_ms(account: AccountState, at_ns: int) -> int:
    """How long ago the account's money was reported."""
    return (at_ns - account.wallet_at_ns) // NS_PER_MS


def funding_cost_usd_per_day(state: EngineState, at_ns: int) -> float | None:
    """Forecast funding cost per day of all hedge positions at present rates; None when a rate is unknown."""
    costs = funding_costs_usd_per_day(state, at_ns, {}).values()
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def funding_costs_usd_per_day(
    state: EngineState, at_ns: int, changed: Mapping[tuple[str, InstrumentId], Decimal]
) -> dict[InstrumentId, float | None]:
    """Forecast funding cost per day of each hedge position; `changed` replaces contracts held by (account, instrument).

    None where the rate is unknown or too old.
    """
    costs: dict[InstrumentId, float | None] = {}
    for key in _hedges(state):
        rules = state.instruments.get(key[1])
        if rules is None or not rules.kind.is_perp:
            continue
        held = changed[key] if key in changed else position_contracts(state, *key)
        if held:
            costs[rules.id] = _funding_cost(state, rules, held, at_ns)
    return costs


def _hedges(state: EngineState) -> list[tuple[str, InstrumentId]]:
    """Account and instrument of every hedge."""
    return [
        (one.hedge_account, instrument) for one in state.settings.underlyings for instrument in one.hedge_instruments
    ]


def _funding_cost(state: EngineState, rules: Instrument, held: Decimal, at_ns: int) -> float | None:
    quote, ratio = state.quotes.get(rules.id), funding_ratio_day(state, rules.id, at_ns)
    if ratio is None or quote is None or quote.mark is None:
        return None
    return float(rules.notional_quote(held, quote.mark)) * ratio


def funding_ratio_day(state: EngineState, instrument: InstrumentId, at_ns: int) -> float | None:
    """Funding of one day as a ratio of notional, paid by longs when positive; None when unknown or too old."""
    quote, rules = state.quotes.get(instrument), state.instruments.get(instrument)
    if quote is None or rules is None or quote.funding_rate is None:
        return None
    hours = quote.funding_interval_hours or rules.funding_interval_hours
    if not hours or not math.isfinite(quote.funding_rate):
        return None
    if at_ns - quote.funding_at_ns > state.limits.funding_age_ms_max * NS_PER_MS:
        return None
    return quote.funding_rate * _HOURS_PER_DAY / hours


def hedge_notional_usd(state: EngineState, account: str) -> float:
    """Absolute notional of all hedge positions on one account, each at its mark."""
    total = 0.0
    for instrument in state.settings.hedges_on(account):
        rules, held = state.instruments.get(instrument), position_contracts(state, account, instrument)
        if rules is None or not held:
            continue
        quote = state.quotes.get(rules.id)
        price = (quote.mark or quote.mid) if quote else None
        # Without any price nothing is sent on it anyway: the book is not fresh then.
        total += float(rules.notional_quote(abs(held), price)) if price else 0.0
    return total


def refill_tokens(state: EngineState, at_ns: int) -> float:
    """Order messages that may be sent now: a bucket of `order_burst_max` refilled at `orders_per_second_max`."""
    elapsed_s = max(at_ns - state.tokens_at_ns, 0) / 1e9
    state.tokens = min(
        state.tokens + elapsed_s * state.limits.orders_per_second_max, float(state.limits.order_burst_max)
    )
    state.tokens_at_ns = at_ns
    return state.tokens


def token_reserve(state: EngineState) -> float:
    """Order messages that are kept for what only shrinks a position; none where the bucket holds one alone."""
    return min(1.0, state.limits.order_burst_max - 1.0)


def oldest_option(state: EngineState, underlying: str, at_ns: int) -> tuple[int, str]:
    """Age in ms and id of the held option with the oldest quote; (0, "") when none is held."""
    oldest_ms, oldest_id = 0, ""
    held = state.underlyings[underlying].option_keys
    offsets_ms = {venue: market.clock_offset_ms(state, venue) for venue in dict.fromkeys(map(venue_of, held.values()))}
    for key, instrument in held.items():
        mark = state.options.get(instrument)
        if mark is None:
            # Not quoted yet: it has been waited for since it was bought, the exposure is unknown meanwhile.
            age_ms = (at_ns - state.positions[key].moved_at_ns) // NS_PER_MS
        else:
            age_ms = market.content_age_ms(at_ns, mark.at_ns, mark.venue_ns, offsets_ms[venue_of(instrument)])
        if age_ms > oldest_ms:
            oldest_ms, oldest_id = age_ms, instrument
    return oldest_ms, oldest_id


def concerns(state: EngineState, subject: str, settings: UnderlyingSettings) -> bool:
    """Whether a reconciliation subject (an instrument id or a coin) belongs to an underlying."""
    rules = state.instruments.get(InstrumentId(subject))
    is_coin = subject == settings.underlying or subject in settings.tokens
    return is_coin or (rules is not None and rules.underlying == settings.underlying)


def take_wallet(step: Step, account: AccountState, report: WalletReport) -> None:
    """Take margin and equity as reported; a report no newer than the last one is ignored."""
    # A reading of a watched account is stamped by our own clock, which the venue's cannot be ahead of.
    is_followed = account.role.is_followed
    ahead = is_followed and market.is_ahead(step.state, account.venue, report.venue_at_ns, step.at_ns)
    if ahead or (account.wallet and report.venue_at_ns <= account.wallet.venue_at_ns):
        return
    report = msgspec.structs.replace(
        report,
        equity_usd=_finite(report.equity_usd),
        initial_margin_usd=_finite(report.initial_margin_usd),
        maintenance_margin_usd=_finite(report.maintenance_margin_usd),
    )
    report = margin_report.believed(step, account, report)
    # A reading asks for long: what it tells is as old as its first question, not as its arrival.
    account.wallet, account.wallet_at_ns = report, step.at_ns if is_followed else min(step.at_ns, report.venue_at_ns)
    margin_report.on_wallet(step, account)
    if not is_followed:
        margin_watched.note_read(step, account)
        return  # no loss is measured where deposits, fills and hedges are not seen
    if report.equity_usd is None:
        return
    day = step.at_ns // NS_PER_DAY
    _count_moves(step, account)
    unsettled = step.state.treasury.unsettled(account.name, step.at_ns)
    if account.day_equity_usd is None or (account.day != day and not unsettled):
        account.day, account.day_equity_usd = day, report.equity_usd


def _count_moves(step: Step, account: AccountState) -> None:
    """What was moved in is no profit: losses are measured from a start that is higher by it, once equity has it."""
    for move in step.state.treasury.moves.values():
        arrived = move.status is MoveStatus.DONE and step.at_ns - move.ended_ns >= SETTLE_NS
        if move.account != account.name or move.counted or not arrived:
            continue
        price = margin_legs.coin_prices(step.state, account).get(move.coin)
        if price is None:
            continue  # its worth is not known, which is not nothing: it stays unsettled
        worth, move.counted = float(move.qty) * price, True
        if account.day_equity_usd is not None and account.day <= move.sent_at_ns // NS_PER_DAY:
            account.day_equity_usd += Decimal(repr(worth))
        step.state.risk.marks[:] = [_lifted(one, move, worth) for one in step.state.risk.marks]


def _lifted(mark: Mark, move: Move, worth_usd: float) -> Mark:
    """A mark as it would be had the move been inside. One of later has it inside: a day begins when that is settled."""
    sent_day = move.sent_at_ns // NS_PER_DAY
    if mark.day > sent_day:
        return mark
    lifted = mark.equity_usd + worth_usd
    if mark.day == sent_day and move.ended_ns - move.sent_at_ns > UNSURE_NS_MAX:
        # Highs of that day were noted while nobody knew whether it was inside: it is not counted twice.
        lifted = max(mark.equity_usd, move.mark_usd + worth_usd)
    return msgspec.structs.replace(mark, equity_usd=lifted)


def _finite(value: Decimal | None) -> Decimal | None:
    return value if value is not None and value.is_finite() else None


def watch(step: Step) -> None:
    """Hold streams and positions of each account against their limits. Called by the timer."""
    for account in followed(step.state):
        _watch_private(step, account)
        _watch_unexplained(step, account)


def _watch_private(step: Step, account: AccountState) -> None:
    stream, limits = account.private, step.state.limits
    was_alive, was_up = stream.alive_at_ns > 0, stream.up_since_ns > 0
    # What answers is not up yet: the venue may refuse the log-in each time.
    since_ns = stream.alive_at_ns if was_up else step.state.run_started_ns
    silence_ms = (step.at_ns - since_ns) // NS_PER_MS
    silent = silence_ms > limits.private_silence_ms_max or (was_up and not stream.up)
    lacks = "no sign of life" if was_up else "not up"
    problem = f"private stream of {account.name}: {lacks} for {silence_ms} ms" if silent else ""
    if silent or (stream.up and step.at_ns - stream.up_since_ns > _STEADY_NS):
        # A connection that is cut again and again is one alert, not one for each time.
        step.check(AlertKind.PRIVATE_STREAM_SILENT, account.name, problem)
    # What was not said while this process stood still was not silence.
    silence_ms = (step.at_ns - max(stream.alive_at_ns, step.state.resumed_at_ns)) // NS_PER_MS
    if was_alive and silence_ms > limits.private_silence_ms_halt and account.role.may_trade:
        why = f"the private stream of {account.name} has been silent for {silence_ms // 1000} s"
        step.halt(why, f"private_silence:{account.name}")


def _watch_unexplained(step: Step, account: AccountState) -> None:
    for subject, difference in account.mismatches.items():
        age_ms = (step.at_ns - difference.first_seen_ns) // NS_PER_MS
        if difference.count > 1 and age_ms > step.state.limits.unexplained_position_ms_max:
            differs = f"{subject} on {account.name} differs from the ledger for {age_ms // 1000} s"
            step.halt(differs, f"unexplained:{account.name}:{subject}")
