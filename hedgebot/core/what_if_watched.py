"""What an order would do to the margin of an account that is only watched: our model's number and the verdict.

Nothing is ever sent there: the verdict says how the account would stand against the lines that the book is held to, by
the larger of the venue's number after the order and our model's. Owns that judgement; changes nothing.
"""

from typing import NamedTuple

import msgspec

from hedgebot.core import margin_distance, margin_gate, margin_legs, margin_model, margin_venue, margin_watched
from hedgebot.core.margin_model import Model
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.what_if_live import numbers_of, to_look_at
from hedgebot.domain.health import use_of
from hedgebot.domain.reports import WatchedPosition
from hedgebot.domain.whatif import Numbers, VenueNumbers, Verdict, WantedOrder, WatchedNumbers, WhatIf
from hedgebot.margin.venue_models import VenueModel

_SAME = 1e-9


class _Pair(NamedTuple):
    before: Numbers
    after: Numbers


def account_at(state: EngineState, venue: str) -> AccountState | None:
    """The watched account at a venue; a copy of what is remembered of its margin, so that a look leaves no trace."""
    found = next((one for one in state.accounts.values() if one.venue == venue and not one.role.is_followed), None)
    return None if found is None else to_look_at(found)


def unanswered(state: EngineState, account: AccountState, order: WantedOrder, problem: str) -> WhatIf:
    """The answer where the venue said nothing of the order."""
    blank = _blank(state, account, order)
    return msgspec.structs.replace(blank, problem="what the order would be is not known", theirs_problem=problem)


def judge(state: EngineState, account: AccountState, order: WantedOrder, found: WatchedNumbers, at_ns: int) -> WhatIf:
    """Our model's numbers before and after, beside the venue's, and how both stand against the lines."""
    blank = msgspec.structs.replace(
        _blank(state, account, order), theirs=found.theirs, theirs_problem=found.problem, fits=_words(found.position)
    )
    model = margin_gate.model_now(state, account, at_ns)
    ours = model if isinstance(model, str) else _numbers(state, account, model, found.position, at_ns)
    if isinstance(model, str) or isinstance(ours, str):
        answer = msgspec.structs.replace(blank, problem=str(ours))
    else:
        answer = msgspec.structs.replace(blank, model=model.parameters.id, before=ours.before, after=ours.after)
    verdict, words = _verdict(state, account, answer, found.theirs)
    return msgspec.structs.replace(answer, verdict=verdict, explanation=words)


def _blank(state: EngineState, account: AccountState, order: WantedOrder) -> WhatIf:
    mode = margin_legs.mode_of(state, account.name)
    return WhatIf(
        venue=account.venue,
        mode=mode.value if mode else "",
        source="watched",
        account=account.name,
        order=order.words,
    )


def _words(position: WatchedPosition) -> str:
    return f"{abs(position.contracts):g} contracts of {position.rules.symbol}"


def _numbers(
    state: EngineState, account: AccountState, model: Model, added: WatchedPosition, at_ns: int
) -> _Pair | str:
    """Both standings by the model, the order filled at its mark; a sentence where there is none."""
    book = margin_watched.read_book(account, model.mode, added)
    if isinstance(book, str):
        return book
    if isinstance(model.parameters, VenueModel) and (problem := margin_venue.problem(model.parameters, book)):
        return problem
    filled = model._replace(book=book, now=margin_model.figures(model.parameters, model.mode, book))
    before = margin_gate.standing(state, account, model, model.now, at_ns)
    after = margin_gate.standing(state, account, model, filled.now, at_ns)
    if before is None or after is None:
        return f"the venue's last number of {account.name} is too old, or has gaps"
    return _Pair(
        numbers_of(before, margin_distance.nearest(state, account, model, before, at_ns)),
        numbers_of(after, margin_distance.nearest(state, account, filled, after, at_ns)),
    )


def _verdict(
    state: EngineState, account: AccountState, answer: WhatIf, theirs: VenueNumbers | None
) -> tuple[Verdict, str]:
    before = _larger(_use(answer.before), theirs.maintenance_before if theirs else None)
    after = _larger(_use(answer.after), theirs.maintenance_after if theirs else None)
    never = "hedgebot never orders there"
    if after is None:
        return Verdict.UNKNOWN, f"neither the venue nor our model has a number after it; {never}"
    taken_before = _larger(_taken(answer.before), theirs.initial_before if theirs else None)
    taken = _larger(_taken(answer.after), theirs.initial_after if theirs else None)
    if taken is not None and taken > max(1.0, taken_before or 0.0) * (1.0 + _SAME):
        return Verdict.REFUSE, f"initial margin of {taken:.1%} of the equity after it is more than there is; {never}"
    line = margin_gate.risk_use(state, account)
    if after <= line or (before is not None and after <= before * (1.0 + _SAME)):
        return Verdict.PASS, f"a use of {after:.1%} after it, {line:.0%} is the line; {never}"
    return Verdict.REFUSE, f"a use of {after:.1%} after it is beyond the line of {line:.0%}; {never}"


def _use(one: Numbers | None) -> float | None:
    return None if one is None else one.use


def _taken(one: Numbers | None) -> float | None:
    """Initial margin as a part of the equity."""
    return None if one is None or one.initial is None or one.equity is None else use_of(one.initial, one.equity)


def _larger(ours: float | None, theirs: float | None) -> float | None:
    known = [one for one in (ours, theirs) if one is not None]
    return max(known, default=None)
