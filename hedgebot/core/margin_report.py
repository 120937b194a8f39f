"""The venue's number for an account's margin against ours, on every report, journaled side by side.

Owns the comparison and what it says. Unknown is never zero: a venue in portfolio mode that reports no margin for
positions that need some has reported nothing. Source: margin reference section 8. Must not know modes or alerts.
"""

from decimal import Decimal

import msgspec

from hedgebot.core import margin_cause, margin_gate, margin_legs, margin_model, margin_watched
from hedgebot.core.margin_model import Model
from hedgebot.core.margin_state import Figures
from hedgebot.core.order_table import live_orders
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.domain.commands import RecordMargin
from hedgebot.domain.decimals import float_or_none
from hedgebot.domain.health import use_of
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.reports import PositionReport, WalletReport
from hedgebot.domain.settings import MarginMode

RECORD_NS = 1_000_000_000
"""At most one row a second for each account: reports follow every fill."""

SETTLED_NS = 2_000_000_000
"""A report this long after the last fill is of the position that the ledger has."""

DIFFERENCE_USD_MIN = 1.0
"""Roundings of a small account are not a difference."""

CLOSE_FEE = "fee to close"
"""What the venue's cross margin may hold and the reference's formula does not (`close_fee` of the parameters)."""


def note_leverage(state: EngineState, report: PositionReport) -> None:
    """Remember what an instrument's initial margin is set aside at."""
    account = state.accounts.get(report.account)
    if account is not None and report.leverage is not None and report.leverage > 0.0:
        account.margin.leverage[report.instrument] = report.leverage


def believed(step: Step, account: AccountState, report: WalletReport) -> WalletReport:
    """A report without margins that cannot be: empty or zero is unknown while something is held.

    At the venue that is traded in portfolio mode alone, at one that is only watched in every mode.
    """
    if not account.role.is_followed:
        return _without_margins(report) if margin_watched.is_empty(report) else report
    found = margin_legs.model_of(step.state, account)
    if isinstance(found, str) or found[1] is not MarginMode.PORTFOLIO or report.maintenance_margin_usd:
        return report
    held = any(
        one.contracts and one.account == account.name and not _is_long_option(step, one.instrument, one.contracts)
        for one in step.state.positions.values()
    )
    return _without_margins(report) if held else report


def _without_margins(report: WalletReport) -> WalletReport:
    return msgspec.structs.replace(report, initial_margin_usd=None, maintenance_margin_usd=None)


def _is_long_option(step: Step, instrument: InstrumentId, contracts: Decimal) -> bool:
    return step.state.instruments[instrument].kind.is_option and contracts > 0


def on_wallet(step: Step, account: AccountState) -> None:
    """Hold our model against the venue's newest number on the same moment; journal both."""
    margin, wallet = account.margin, account.wallet
    margin.base_of = ""
    model = margin_gate.model_now(step.state, account, step.at_ns)
    if isinstance(model, str):
        margin.base, margin.unknown, margin.gap, margin.use = None, model, None, None
        return
    margin_gate.keep_base(account, model)
    margin.realised_usd, margin.unknown = model.book.realised_usd, ""
    if wallet is None or wallet.maintenance_margin_usd is None:
        margin.gap = margin.use = None
        return
    now = margin_gate.standing(step.state, account, model, model.now, step.at_ns)
    margin.use = None if now is None else use_of(now.maintenance, now.equity)
    gap, words = _difference(step, account, model, wallet, _close_fee_usd(step, account, model, wallet))
    margin.gap = gap
    if not _is_settled(step, account):
        words = margin.differs  # fills and wallets come on their own ways: nothing is proved while one may be missing
    else:
        margin.outside = margin.outside + 1 if words else 0
    if margin.outside >= step.state.limits.margin_polls_max:
        margin.differs = words
    elif not words:
        margin.differs = ""
    if step.at_ns - margin.recorded_at_ns >= RECORD_NS:
        margin.recorded_at_ns = step.at_ns
        step.emit(_record(step, account, model, wallet))


def _is_settled(step: Step, account: AccountState) -> bool:
    """Whether the ledger and the report are of one book: nothing of ours is under way, and nothing moved just now."""
    state = step.state
    if not account.role.is_followed:
        # No ledger of ours could lag behind; of a reading that took long margins and positions are of two moments.
        return step.at_ns - account.wallet_at_ns <= SETTLED_NS
    if not account.reconciled or any(order.intent.account == account.name for order in live_orders(state)):
        return False
    moved_at_ns = max((one.moved_at_ns for one in state.positions.values() if one.account == account.name), default=0)
    return step.at_ns - moved_at_ns > SETTLED_NS


def _record(step: Step, account: AccountState, model: Model, wallet: WalletReport) -> RecordMargin:
    given = next(one for one in step.state.settings.margin_parameters if one.venue == account.venue)
    distance = account.margin.distance
    return RecordMargin(
        account=account.name,
        margin_mode=model.mode.value,
        parameters=f"{model.parameters.id} {given.hash}",
        venue_initial_usd=float_or_none(wallet.initial_margin_usd),
        venue_maintenance_usd=float_or_none(wallet.maintenance_margin_usd),
        venue_equity_usd=float_or_none(wallet.equity_usd),
        model_initial_usd=model.now.initial,
        model_maintenance_usd=model.now.maintenance,
        model_balance_usd=model.now.balance,
        gap_ratio=account.margin.gap,
        differs=account.margin.differs,
        distance_move=None if distance is None else distance.move,
        distance_price=distance.price if distance is not None and distance.underlying else None,
        uncovered=(*model.uncovered, CLOSE_FEE) if account.margin.close_fee else model.uncovered,
    )


def _close_fee_usd(step: Step, account: AccountState, model: Model, wallet: WalletReport) -> float:
    """What the fee to close adds to our number before it is compared: 0 where the venue's is without it.

    The venue's numbers say by themselves which it is: maintenance and initial margin both hold it, or both do not, and
    the last answer stands while neither agrees. A rate that was raised moves one of them alone.
    """
    fee = margin_model.close_fee_usd(model.parameters, model.mode, model.book)
    theirs, initial = float_or_none(wallet.maintenance_margin_usd), float_or_none(wallet.initial_margin_usd)
    if fee <= 0.0 or theirs is None or initial is None or _leverage_unknown(model):
        return 0.0
    gap, more = theirs - model.now.maintenance, initial - model.now.initial
    tolerance = step.state.limits.margin_tolerance_ratio * theirs
    if abs(gap) <= tolerance:
        account.margin.close_fee = False
    elif abs(gap - fee) <= tolerance and abs(more - fee) < abs(more):
        account.margin.close_fee = True
    return fee if account.margin.close_fee else 0.0


def _difference(step: Step, account: AccountState, model: Model, wallet: WalletReport, fee: float) -> tuple[float, str]:
    """The larger relative difference of the two margins, and in words what differs (empty within tolerance).

    `fee` is the fee to close that the venue's numbers hold.
    """
    tolerance = step.state.limits.margin_tolerance_ratio
    theirs = {
        "maintenance": float_or_none(wallet.maintenance_margin_usd),
        "initial": float_or_none(wallet.initial_margin_usd),
    }
    ours = {
        name: _nearest(number, most + fee, least + fee)
        for (name, number), (most, least) in zip(theirs.items(), _spans(model.now), strict=True)
    }
    gaps = {
        name: (ours[name] - number) / max(abs(number), ours[name], DIFFERENCE_USD_MIN)
        for name, number in theirs.items()
        if number is not None and not (name == "initial" and ours[name] < number and _initial_is_least(account, model))
        if abs(ours[name] - number) > DIFFERENCE_USD_MIN or name == "maintenance"
    }
    if not gaps:
        return 0.0, ""
    worst = max(gaps, key=lambda name: abs(gaps[name]))
    number = theirs[worst]
    if abs(gaps[worst]) <= tolerance or number is None or abs(ours[worst] - number) <= DIFFERENCE_USD_MIN:
        return gaps[worst], ""
    words = (
        f"{worst} margin of {account.name}: the venue says {number:.2f} USD, our model {_at(model, ours[worst])} "
        f"({gaps[worst]:+.1%}); {margin_cause.likeliest(account, model, worst, number)}"
    )
    return gaps[worst], words


def _spans(now: Figures) -> tuple[tuple[float, float], tuple[float, float]]:
    """The most and the least of maintenance and of initial margin that agree with what the model knows."""
    least = now.maintenance if now.maintenance_least is None else now.maintenance_least
    share = least / now.maintenance if now.maintenance > 0.0 else 1.0
    return (now.maintenance, least), (now.initial, now.initial * share)


def _nearest(number: float | None, most: float, least: float) -> float:
    """What of a span is compared: the number itself where it lies within."""
    return most if number is None else min(max(number, least), most)


def _at(model: Model, ours: float) -> str:
    """Our number in words, as the bound that it is."""
    if model.now.maintenance_least is None:
        return f"{ours:.2f}"
    return f"at {'most' if ours in (model.now.maintenance, model.now.initial) else 'least'} {ours:.2f}"


def _initial_is_least(account: AccountState, model: Model) -> bool:
    """Whether the venue's initial margin may be more than ours.

    Without a leverage ours is only the least there can be; on an account that is only watched its resting orders need
    some, which nobody tells us.
    """
    return not account.role.is_followed or _leverage_unknown(model)


def _leverage_unknown(model: Model) -> bool:
    return model.mode is MarginMode.CROSS and any(one.leverage is None for one in model.book.contracts.values())
