"""The gate: every risk rule, in order, over one intent. The only place that constructs `Approved`.

A refusal carries the rule, the number it saw and its limit: data for the journal and for the operator's `why-not`.
An intent that lowers the book's delta and does not need margin that may not be there counts as risk-reducing and passes
the rules that only stop new risk (safety reference section 2 owns the definition). Where the doubt is about the delta
itself, or about a strategy that repeats itself, it passes if `proof.py` has a proof that does not rest on it.
"""

from decimal import Decimal

from hedgebot.core import (
    breakers,
    convention,
    forced,
    funding,
    hedges,
    holdings,
    latches,
    limits,
    margin_gate,
    market,
    order_table,
    proof,
    venue_risk,
)
from hedgebot.core.allowed_rule import allowed, allowed_closing
from hedgebot.core.book_delta import book_delta
from hedgebot.core.candidate import Candidate, Finding, Rule, finding
from hedgebot.core.cash_rule import unexplained_cash
from hedgebot.core.chase_rule import chase_rule
from hedgebot.core.depth_rule import depth_rule
from hedgebot.core.frequency import frequency
from hedgebot.core.fresh_rules import book_fresh, closing_mark_fresh, index_known, mark_fresh, own_book_fresh
from hedgebot.core.ledger import position_contracts
from hedgebot.core.move_rule import move_rule
from hedgebot.core.resting_rules import dead_man
from hedgebot.core.shut_rule import market_status
from hedgebot.core.state import followed
from hedgebot.core.watched_rule import watched_margin
from hedgebot.domain.commands import Mode
from hedgebot.domain.orders import Approved, Refused, RuleCheck

CLOCK_OFFSET_MS_MAX = 1_000.0
"""Bybit accepts timestamps up to 1 s ahead of its clock; beyond that requests and ages are both unreliable."""

PROVEN_OR = "{}, or proven to lower risk without it"


def judge(candidate: Candidate) -> Approved | Refused:
    """Hold an intent against every rule, in order; the first one that is not content refuses."""
    return _judge(candidate, RULES)


def judge_closing(candidate: Candidate) -> Approved | Refused:
    """The same for an intent that closes a hedge position because an operator flattens."""
    return _judge(candidate, CLOSING_RULES)


def judge_move(candidate: Candidate) -> Approved | Refused:
    """The same for one order of a move from one hedge instrument to another, while the delta is inside its band."""
    return _judge(candidate, MOVE_RULES)


def _judge(candidate: Candidate, rules: tuple[Rule, ...]) -> Approved | Refused:
    checks: list[RuleCheck] = []
    for rule in rules:
        found = rule(candidate)
        if found.problem:
            return Refused(intent=candidate.intent, check=found.check, explanation=found.problem)
        checks.append(found.check)
    return Approved(intent=candidate.intent, checks=tuple(checks), risk_reducing=candidate.reduces_risk)


def _mode(one: Candidate) -> Finding:
    mode = one.state.mode
    # HALTED lets out what was chosen at the kill, and nothing but that (safety reference section 2).
    reducing = mode is Mode.REDUCING or (mode is Mode.HALTED and latches.halt_reduces(one.state))
    allowed = mode is Mode.ACTIVE or (reducing and one.reduces_risk)
    problem = "" if allowed and not one.state.stopping else f"the book is {mode}: {one.state.mode_reason}"
    return finding("mode", mode.value, "active, or reducing for what lowers risk", problem)


def _latches(one: Candidate) -> Finding:
    problem = latches.order_problem(one.state, one.intent, reduces_risk=one.reduces_risk)
    return finding("kill", "killed" if problem else "not killed", "not killed, or what the kill lets through", problem)


def _closing(one: Candidate) -> Finding:
    held = position_contracts(one.state, one.account.name, one.rules.id)
    shrinks = one.intent.reduce_only and 0 < one.intent.qty_contracts <= -held * one.intent.side.sign
    problem = latches.closing_problem(one.state, one.intent)
    problem = problem or ("" if shrinks else f"it would not only shrink the position of {held} contracts")
    problem = problem or ("the book is stopping" if one.state.stopping else "")
    return finding("closing", str(one.intent.qty_contracts), str(abs(held)), problem)


def _account(one: Candidate) -> Finding:
    problem = ""
    if not one.account.role.may_trade:
        problem = f"account {one.account.name} has the role {one.account.role}: orders are never sent there"
    # Every account is part of the delta: one whose fills are not seen makes the whole number a guess.
    for account in followed(one.state):
        if not account.private.up:
            problem = problem or f"the private stream of {account.name} is down: fills would not be seen"
        elif account.break_since_ns:
            problem = problem or f"the venue's trade history of {account.name} and the journal differ"
        elif not account.reconciled:
            problem = problem or f"account {account.name} is not reconciled with the venue"
    return finding("account", one.account.role.value, "private streams up and reconciled", problem)


def _private_silence(one: Candidate) -> Finding:
    last_sign_ns = min(account.private.alive_at_ns for account in followed(one.state))
    silence_ms = (one.at_ns - last_sign_ns) // 1_000_000
    limit_ms = one.state.limits.private_silence_ms_max
    problem = "" if silence_ms <= limit_ms else f"no sign of life from a private stream for {silence_ms} ms"
    return finding("private_silence_ms", silence_ms, limit_ms, problem)


def _unexplained(one: Candidate) -> Finding:
    differing = [
        subject
        for account in one.state.accounts.values()
        for subject in account.mismatches
        if limits.concerns(one.state, subject, one.settings)
    ]
    problem = f"the venue and the ledger differ on {', '.join(differing)}" if differing else ""
    return finding("unexplained_position", len(differing), 0, problem)


def _clock(one: Candidate) -> Finding:
    offset_ms = one.account.clock_offset_ms
    if offset_ms is None:
        return finding("clock_offset_ms", "unknown", CLOCK_OFFSET_MS_MAX, "the venue's clock was never measured")
    problem = "" if abs(offset_ms) <= CLOCK_OFFSET_MS_MAX else f"our clock and the venue's differ by {offset_ms:.0f} ms"
    return finding("clock_offset_ms", offset_ms, CLOCK_OFFSET_MS_MAX, problem)


def _one_in_flight(one: Candidate) -> Finding:
    live = order_table.order_of(one.state, one.underlying.name)
    problem = f"order {live} on {one.underlying.name} is in flight or unknown" if live else ""
    return finding("in_flight", live or "none", "none", problem)


def _convention(one: Candidate) -> Finding:
    # Without the choice no order is proven to lower risk.
    chosen = one.settings.delta_convention or "not set"
    problem = convention.problem(one.state, one.settings)
    return finding("delta_convention", chosen, "set, where the coin margins", problem)


def _holdings(one: Candidate) -> Finding:
    problem = holdings.problem(one.state, one.settings.underlying, one.at_ns)
    return finding("holdings", "untrusted" if problem else "trusted", PROVEN_OR.format("trusted"), _doubt(one, problem))


def _doubt(one: Candidate, problem: str) -> str:
    """What is wrong with an input of the delta, unless the order lowers it whatever that input is."""
    why = proof.unproven(one) if problem else ""
    return f"{problem}, and {why}" if why else ""


def _strategy_armed(one: Candidate) -> Finding:
    tripped = one.state.tripped.get(one.intent.strategy, "")
    # What only shrinks a position ends by itself, however often it is repeated.
    why = proof.unproven_shrinking(one) if tripped else ""
    problem = f"strategy {one.intent.strategy} is latched off until an operator enables it: {tripped}; {why}"
    return finding("strategy", "latched off" if tripped else "armed", PROVEN_OR.format("armed"), problem if why else "")


def _duplicate(one: Candidate) -> Finding:
    twin = breakers.duplicate_of(one.state, one.intent, one.delta_coin, one.at_ns)
    problem = f"order {twin} was the same for the same cause, and it was filled" if twin else ""
    return finding("duplicate_of", twin or "none", "none", problem)


def _hedge_volume(one: Candidate) -> Finding:
    volume = breakers.volume_coin(one.state, one.underlying, one.intent)
    limit = breakers.volume_limit_coin(one.state, one.underlying, one.delta_coin, one.centre_coin)
    problem = (
        "" if volume <= limit else f"hedges of {volume:g} {one.underlying.name} for less drift than they would undo"
    )
    return finding(breakers.VOLUME_RULE, volume, limit, problem)


def _options_fresh(one: Candidate) -> Finding:
    age_ms, oldest = limits.oldest_option(one.state, one.underlying.name, one.at_ns)
    # Until then the band is wider instead: delta comes from the live underlying and the last volatility.
    limit_ms = one.state.limits.option_age_ms_stop
    problem = "" if age_ms <= limit_ms else f"the quote of {oldest} is {age_ms} ms old"
    return finding("option_age_ms", age_ms, limit_ms, _doubt(one, problem))


def _options_checked(one: Candidate) -> Finding:
    held = one.underlying.option_keys.values()
    suspect = [name for name in held if name in one.state.options and one.state.options[name].suspect]
    problem = f"our delta of {suspect[0]} and the venue's disagree" if suspect else ""
    return finding("options_suspect", len(suspect), 0, _doubt(one, problem))


def _spread(one: Candidate) -> Finding:
    spread, limit = market.spread_bps(one.quote), one.settings.spread_bps_max
    if spread is None:
        return finding("spread_bps", "unknown", limit, f"the book of {one.rules.id} is not two-sided")
    problem = "" if spread <= limit else f"the spread of {one.rules.id} is {spread:.1f} bps"
    return finding("spread_bps", spread, limit, problem)


def _book_against_mark(one: Candidate) -> Finding:
    gap = market.gap_bps(one.state, one.rules, one.at_ns)
    limit = one.state.limits.book_mark_gap_bps_max
    if gap is None:
        return finding("book_mark_gap_bps", "unknown", limit, f"no mark price of {one.rules.id} to hold its book to")
    problem = "" if gap <= limit else f"book and mark of {one.rules.id} are {gap:.0f} bps apart"
    return finding("book_mark_gap_bps", gap, limit, problem)


def _collar(one: Candidate) -> Finding:
    mid = one.quote.mid
    if mid is None:
        return finding("collar_bps", "unknown", one.settings.collar_bps, f"the book of {one.rules.id} is not two-sided")
    # Compared exactly: shaping puts the limit on the collar itself, and a float would refuse it by its last bit.
    exact = (one.intent.limit_price - mid) * one.intent.side.sign * 10_000
    inside = exact <= Decimal(repr(one.settings.collar_bps)) * mid
    beyond = float(exact / mid)
    problem = "" if inside else f"limit {one.intent.limit_price} is {beyond:.1f} bps beyond {mid}"
    return finding("collar_bps", beyond, one.settings.collar_bps, problem)


def _forced(one: Candidate) -> Finding:
    limit_ms = one.state.limits.adl_pause_ms
    since_ms = forced.since_ms(one.state, one.underlying, one.rules.id, one.at_ns)
    waits = since_ms is not None and since_ms < limit_ms and one.grows_position
    problem = f"the venue closed {one.rules.id} by force {since_ms} ms ago: it is not opened again yet" if waits else ""
    return finding("forced_ms", "never" if since_ms is None else since_ms, limit_ms, problem)


def _account_notional(one: Candidate) -> Finding:
    limit = one.state.limits.account_notional_usd_max
    held = limits.hedge_notional_usd(one.state, one.account.name)
    after = held if one.intent.reduce_only else held + one.intent.notional_usd
    over = after > limit and not one.intent.reduce_only
    problem = f"hedges on {one.account.name} would come to {after:.0f} USD" if over else ""
    return finding("account_notional_usd", after, limit, problem)


def _size(one: Candidate) -> Finding:
    coins, limit = abs(one.intent.delta_effect_coin), one.settings.order_qty_coin_max
    problem = "" if coins <= limit else f"order of {coins:g} {one.underlying.name}"
    problem = problem or one.rules.order_problem(one.intent.qty_contracts, one.intent.limit_price) or ""
    return finding("order_qty_coin", coins, limit, problem)


def _notional(one: Candidate) -> Finding:
    notional, limit = one.intent.notional_usd, one.settings.order_notional_usd_max
    problem = "" if notional <= limit else f"order of {notional:.0f} USD"
    return finding("order_notional_usd", notional, limit, problem)


def _opposed(one: Candidate) -> Finding:
    limit, effect = hedges.opposition_limit_coin(one.state, one.settings), one.intent.delta_effect_coin
    after = hedges.opposed_after_coin(one.state, one.settings, one.rules.id, effect)
    grows = after > max(limit, hedges.opposed_after_coin(one.state, one.settings, one.rules.id, 0.0))
    problem = f"hedges of {after:g} {one.underlying.name} would stand against each other" if grows else ""
    return finding("opposed_coin", after, limit, "" if one.is_urgent else problem)


def _delta_limit(one: Candidate) -> Finding:
    after = one.worst_delta_coin(one.intent.delta_effect_coin)
    limit = one.settings.delta_limit_coin
    # Any part may fill, so the worse of before and after counts; an order that lowers the delta may start outside.
    worst = after if one.reduces_delta else max(one.worst_delta_coin(), after)
    problem = "" if worst <= limit or one.reduces_delta else f"net delta could reach {worst:g} {one.underlying.name}"
    return finding("worst_delta_coin", worst, limit, problem)


def _margin(one: Candidate) -> Finding:
    if one.effect is not None:
        return finding(*margin_gate.verdict(one.effect, one.account.name, hedges=one.reduces_delta))
    reported, limit = limits.margin_use(one.state, one.account, one.at_ns), margin_gate.risk_use(one.state, one.account)
    use = margin_gate.judged_use(one.state, one.account, reported)
    if one.reduces_risk:
        return finding("margin_use", "unknown" if use is None else use, "risk-reducing", "")
    if use is None:
        return finding("margin_use", "unknown", limit, f"margin use of {one.account.name} is unknown")
    problem = "" if use <= limit else f"margin use of {one.account.name} is {use:.0%}"
    return finding("margin_use", use, limit, problem)


def _funding(one: Candidate) -> Finding:
    limit = one.state.limits.funding_cost_usd_per_day_max
    held = position_contracts(one.state, one.account.name, one.rules.id)
    after_contracts = held + one.intent.qty_contracts * one.intent.side.sign
    changed = {(one.account.name, one.rules.id): after_contracts}
    costs = limits.funding_costs_usd_per_day(one.state, one.at_ns, changed)
    # Another underlying's unknown rate does not block this one; the watch over limits reports it.
    after = sum(cost for cost in costs.values() if cost is not None)
    before = sum(cost or 0.0 for cost in limits.funding_costs_usd_per_day(one.state, one.at_ns, {}).values())
    if one.rules.id in costs and costs[one.rules.id] is None:
        problem = f"the funding rate of {one.rules.id} is unknown" if one.grows_position else ""
        return finding("funding_usd_per_day", "unknown", limit, problem)
    # Beyond the delta limit the hedge is urgent: a budget does not hold it back (hedging reference section 12).
    day_usd = funding.day_cost_usd(one.state, one.at_ns, after)
    over = day_usd > limit and after > before and not one.is_urgent
    problem = f"funding would cost {day_usd:.2f} USD a day" if over else ""
    if not problem and not one.is_urgent:
        hedge, contracts = one.rules.id, (float(held), float(after_contracts))
        problem = funding.refusal(one.state, one.settings, one.at_ns, hedge, *contracts)
    return finding("funding_usd_per_day", day_usd, limit, problem)


def _message_rate(one: Candidate) -> Finding:
    tokens, reserve = limits.refill_tokens(one.state, one.at_ns), limits.token_reserve(one.state)
    # The last one is kept for what is proven to shrink a position.
    enough = tokens >= 1.0 + reserve or (tokens >= 1.0 and not proof.unproven_shrinking(one))
    problem = "" if enough else "the order rate limit is used up"
    return finding("order_tokens", tokens, 1.0, problem)


CLOSING_RULES: tuple[Rule, ...] = (
    _closing,
    allowed_closing,
    _account,
    _private_silence,
    _clock,
    _one_in_flight,
    market_status,
    own_book_fresh,
    closing_mark_fresh,
    _spread,
    depth_rule,
    _book_against_mark,
    _collar,
    _size,
    _notional,
    _message_rate,
)
"""For a flatten: the operator chose to give up the hedge, so that limits of delta, margin and cost do not count; the
market, the clock and the truth about the position do."""

RULES: tuple[Rule, ...] = (
    _mode,
    _latches,
    allowed,
    _account,
    dead_man,
    _private_silence,
    _unexplained,
    unexplained_cash,
    _clock,
    _one_in_flight,
    _convention,
    _holdings,
    _strategy_armed,
    frequency,
    _duplicate,
    _hedge_volume,
    market_status,
    book_fresh,
    mark_fresh,
    index_known,
    _options_fresh,
    _options_checked,
    _spread,
    depth_rule,
    _book_against_mark,
    _collar,
    chase_rule,
    _forced,
    _size,
    _notional,
    _account_notional,
    _opposed,
    venue_risk.equity_cap,
    _delta_limit,
    book_delta,
    _margin,
    watched_margin,
    _funding,
    _message_rate,
)

# A move answers no drift and repeats its pieces on purpose: it is bounded by what it closes. It lowers what funding
# costs, so that a budget does not hold its second half back; the rate of what it opens is judged where it is chosen.
MOVE_RULES: tuple[Rule, ...] = (
    move_rule,
    *(rule for rule in RULES if rule not in {_duplicate, _hedge_volume, _funding}),
)
