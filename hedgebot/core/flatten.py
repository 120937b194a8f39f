"""The two actions of a kill that come to an end: hedge to flat, and flatten. Owns when each is done.

Flatten closes our hedge positions with immediate-or-cancel orders that can only shrink them, within the collar of a
fresh book and clipped like every hedge. What of the delta they leave open is what the operator chose.
"""

from decimal import Decimal

from hedgebot.core import canary, depth, hedges, latches, order_table
from hedgebot.core.candidate import Candidate
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.gate import judge_closing
from hedgebot.core.ledger import position_contracts
from hedgebot.core.shaping import Clip, Mandate, NoLot, collared_price, ioc_order, qty_ceiling, shape
from hedgebot.core.state import EngineState, Latch
from hedgebot.core.step import Step
from hedgebot.domain.commands import Mode
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.domain.kill import KILL_STRATEGY, KillAction
from hedgebot.domain.orders import Approved, OrderIntent
from hedgebot.domain.settings import AccountRole, UnderlyingSettings

_WAITING = "waiting: "


def sweep(step: Step) -> None:
    """Go on with every kill whose action is under way; called by the timer."""
    for latch in latches.in_force(step.state, KillAction.FLATTEN):
        _flatten(step, latch)
    for latch in latches.in_force(step.state, KillAction.HEDGE_TO_FLAT):
        _end_when_flat(step, latch)


def _flatten(step: Step, latch: Latch) -> None:
    state, left, waiting = step.state, [], []
    if state.mode is Mode.RECOVERING:
        return
    for settings in state.settings.underlyings:
        if not latches.covers(state, latch, settings):
            continue
        held = _held(state, settings)
        busy = order_table.order_of(state, settings.underlying)
        left += [f"{contracts} {instrument}" for instrument, contracts in held.items()] or [busy] * bool(busy)
        if held and not busy and step.at_ns >= state.underlyings[settings.underlying].retry_at_ns:
            # The first whose market is open: one that is shut must not stand before the others.
            first = min(held, key=lambda one: not hedges.is_open(state, settings, one, step.at_ns))
            waiting.append(_close(step, settings, latch, first, held[first]))
    if not left and _is_known(state, latch):
        latches.end_action(step, latch, f"our hedge positions are closed; {_delta_words(state, latch)}")
    elif problem := next((one for one in waiting if one), ""):
        latch.note = f"{_WAITING}{problem}"
    elif left:
        latch.note = f"closing {', '.join(left)}"


def _held(state: EngineState, settings: UnderlyingSettings) -> dict[InstrumentId, Decimal]:
    """Our hedge positions on an underlying, in contracts.

    On an account that is ours alone these are also what stands on instruments of an earlier configuration.
    """
    account, hedges = settings.hedge_account, dict.fromkeys(settings.hedge_instruments, 0)
    if state.accounts[account].role is AccountRole.HEDGE:
        for one in state.positions.values():
            rules = state.instruments[one.instrument]
            if one.account == account and rules.underlying == settings.underlying and not rules.kind.is_option:
                hedges[one.instrument] = 0
    found = {one: position_contracts(state, account, one) for one in hedges}
    return {one: contracts for one, contracts in found.items() if contracts}


def _is_known(state: EngineState, latch: Latch) -> bool:
    """Whether the ledger's zero is the venue's: every hedge account in scope is reconciled."""
    return all(
        state.accounts[one.hedge_account].reconciled
        for one in state.settings.underlyings
        if latches.covers(state, latch, one)
    )


def _close(step: Step, settings: UnderlyingSettings, latch: Latch, instrument: InstrumentId, held: Decimal) -> str:
    """Send one order that closes as much as one order may; why none was sent, empty when one was."""
    state = step.state
    rules, quote = state.instruments.get(instrument), state.quotes.get(instrument)
    mid = quote.mid if quote else None
    if rules is None or quote is None or mid is None:
        return f"no two-sided book of {instrument}"
    intent = _closing_intent(step, settings, rules, latch, held, mid)
    underlying = state.underlyings[settings.underlying]
    delta_coin = 0.0 if exposure_problem(underlying) else net_delta_coin(underlying)
    verdict = judge_closing(Candidate.of(state, settings, intent, step.at_ns, delta_coin=delta_coin))
    if not isinstance(verdict, Approved):
        step.refuse(underlying, f"flatten {verdict.check.rule}", verdict)
        return verdict.explanation
    # What a whole close leaves is where this order is meant to bring the delta: the breakers judge its fills by that.
    centre_coin = delta_coin - float(rules.coins(held, mid))
    order_table.send(step, verdict, arrival_mid=float(mid), delta_before_coin=delta_coin, centre_coin=centre_coin)
    return ""


def _closing_intent(
    step: Step, settings: UnderlyingSettings, rules: Instrument, latch: Latch, held: Decimal, mid: Decimal
) -> OrderIntent:
    side = Side.of(-float(held))
    limit_price = collared_price(rules, mid, side, settings.collar_bps)
    most = rules.floor_qty(qty_ceiling(rules, settings, mid, limit_price))
    contracts = min(abs(held), most) if most else abs(held)
    contracts = depth.cut(step.state, rules, side, contracts, limit_price)
    reason = f"flatten, chosen by {latch.operator}: {latch.reason}"
    mandate = Mandate(settings.hedge_account, settings.underlying, KILL_STRATEGY, reason)
    return ioc_order(step.state, mandate, Clip(rules, side, contracts, mid, limit_price), step.at_ns)


def _end_when_flat(step: Step, latch: Latch) -> None:
    state = step.state
    # Where the hedge ends nothing is sent; the others are not kept from their end by it.
    covered = [one for one in latches.going_on(state) if latches.covers(state, latch, one)]
    if state.mode is not Mode.RECOVERING and all(_is_flat(step, canary.capped(state, one)) for one in covered):
        latches.end_action(step, latch, f"flat; {_delta_words(state, latch)}")


def _is_flat(step: Step, settings: UnderlyingSettings) -> bool:
    """Whether no order could bring the delta nearer to zero: what is left is less than a lot, and nothing is open."""
    state = step.state
    underlying = state.underlyings[settings.underlying]
    known = state.accounts[settings.hedge_account].reconciled and not exposure_problem(underlying)
    if not known or order_table.order_of(state, settings.underlying):
        return False
    delta_coin = net_delta_coin(underlying)
    if delta_coin == 0.0:
        return True
    proposal = latches.flat_proposal(state, settings)
    if proposal is None:
        return False
    for way in hedges.ways(state, settings, -delta_coin, step.at_ns):
        quote = state.quotes.get(way.instrument)
        if quote is None or quote.mid is None or way.instrument not in state.instruments:
            return False
        if not isinstance(shape(state, settings, way, quote.mid, proposal, -delta_coin, step.at_ns), NoLot):
            return False
    return True


def _delta_words(state: EngineState, latch: Latch) -> str:
    words = []
    for settings in state.settings.underlyings:
        if latches.covers(state, latch, settings):
            underlying = state.underlyings[settings.underlying]
            known = "unknown" if exposure_problem(underlying) else f"{net_delta_coin(underlying):+.4f}"
            ends = latches.lost_its_hedge(state, settings.underlying)
            words.append(f"net delta of {settings.underlying} is {known}{' (its hedge ends)' if ends else ''}")
    return ", ".join(words)
