"""Recorded account frames held against our models: number by number, with its tolerance and what is lacking.

Owns the judgement. A frame whose own numbers contradict each other proves nothing about a model and is not held against
one. Agreement with our own exchange proves nothing either: these are frames of real venues. Models and records are
`frame_models.py`'s, the reading of frames is the caller's.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from hedgebot.domain.health import AccountHealth, Holding
from hedgebot.margin.frame_models import (
    RELATIVE,
    Companions,
    Ours,
    Records,
    fee_of,
    implied_fee,
    initial_of,
    maintenance_of,
    size_problem,
)

FEE_MAX = 0.001
"""A taker's fee above this is none: what a venue holds beyond our bound is then not explained."""


class Word(StrEnum):
    """What was found of one number."""

    REPRODUCED = "reproduced"  # our model gives the venue's number
    CONSISTENT = "consistent"  # the frame's own numbers agree
    LACKS = "lacks inputs"  # nothing to hold against: said what is missing
    CONTRADICTS = "contradicts itself"  # the frame's numbers disagree before any model is asked
    DIFFERS = "DIFFERS"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a frame."""

    quantity: str
    word: Word
    stated: float | None = None
    ours: float | None = None
    off: float | None = None
    note: str = ""


def companions_of(accounts: Iterable[AccountHealth]) -> dict[tuple[str, str, str], float]:
    """What frames of balances know that frames of positions lack."""
    return {(one.venue, one.account, one.unit): one.cash for one in accounts if one.cash is not None}


def judge(account: AccountHealth, records: Records, companions: Companions) -> list[Finding]:
    """Everything that can be said of one account."""
    found = [_of_relation(one.name, one.stated, one.other, one.off, holds=one.holds) for one in account.relations]
    found += _use(account)
    sound = {one.instrument: _problem(records, account, one) for one in account.holdings}
    for held in account.holdings:
        found += _of_holding(records, account, held, sound[held.instrument])
    found += _of_totals(records, account, sound)
    found += _of_ratio(records, account, companions, sound)
    return found


def _of_relation(name: str, stated: float, other: float, off: float, *, holds: bool) -> Finding:
    word = Word.CONSISTENT if holds else Word.CONTRADICTS
    return Finding(quantity=name, word=word, stated=stated, ours=other, off=off)


def _use(account: AccountHealth) -> list[Finding]:
    """Use = maintenance margin / equity, or why there is none."""
    lacks = "; ".join(account.missing)
    if account.use is None:
        return [Finding(quantity="use", word=Word.LACKS, note=lacks or "maintenance margin and equity")]
    return [Finding(quantity="use", word=Word.CONSISTENT, stated=account.use, note=lacks)]


def _problem(records: Records, account: AccountHealth, held: Holding) -> str:
    broken = next((one.name for one in held.relations if not one.holds), "")
    return f"not {broken}" if broken else size_problem(records, account.venue, held)


def _of_holding(records: Records, account: AccountHealth, held: Holding, problem: str) -> list[Finding]:
    name = held.instrument
    found = [
        _of_relation(f"{name} {one.name}", one.stated, one.other, one.off, holds=one.holds) for one in held.relations
    ]
    if problem and all(one.holds for one in held.relations):
        found.append(Finding(quantity=f"{name} size", word=Word.CONTRADICTS, note=problem))
    pairs = (
        ("initial margin", held.initial, initial_of(records, account.venue, account.at_ns, held)),
        ("maintenance margin", held.maintenance, maintenance_of(records, account.venue, account.at_ns, held)),
    )
    for word, stated, ours in pairs:
        found.append(_against(f"{name} {word}", held, stated, ours, problem))
    return found


def _against(quantity: str, held: Holding, stated: float | None, ours: Ours, problem: str) -> Finding:
    if stated is None:
        lacks = "the frame does not tell it" + (f"; {ours.lacks}" if ours.lacks and ours.value is None else "")
        return Finding(quantity=quantity, word=Word.LACKS, ours=ours.value, note=lacks)
    if problem or ours.value is None:
        return Finding(quantity=quantity, word=Word.LACKS, stated=stated, ours=ours.value, note=problem or ours.lacks)
    if ours.at_least:
        return _bounded(quantity, held, stated, ours)
    word = Word.REPRODUCED if abs(stated - ours.value) <= ours.off else Word.DIFFERS
    return Finding(quantity=quantity, word=word, stated=stated, ours=ours.value, off=ours.off)


def _bounded(quantity: str, held: Holding, stated: float, ours: Ours) -> Finding:
    """Ours is a lower bound: what is above it must be a fee that a taker pays."""
    fee = implied_fee(held, ours, stated)
    explained = fee is not None and -RELATIVE <= fee <= FEE_MAX
    note = f"{ours.lacks}; it would be {fee:.4%}" if fee is not None else ours.lacks
    word = Word.LACKS if explained else Word.DIFFERS
    return Finding(quantity=quantity, word=word, stated=stated, ours=ours.value, off=ours.off, note=note)


def _of_totals(records: Records, account: AccountHealth, sound: dict[str, str]) -> list[Finding]:
    """The account's margins as the sum over its positions, where the frame lists all of them."""
    if not account.complete or any(sound.values()):
        return []
    crossed = [one for one in account.holdings if not one.isolated]
    found = []
    for quantity, stated, model in (
        ("initial margin", account.initial, initial_of),
        ("maintenance margin", account.maintenance, maintenance_of),
    ):
        each = [model(records, account.venue, account.at_ns, one) for one in crossed]
        lacks = [one.lacks for one in each if one.value is None]
        if stated is None or lacks:
            note = lacks[0] if lacks else "the frame does not tell it"
            found.append(Finding(quantity=f"account {quantity}", word=Word.LACKS, stated=stated, note=note))
            continue
        ours = sum(one.value or 0.0 for one in each)
        off = account.printed + sum(one.off for one in each)
        word = Word.REPRODUCED if abs(stated - ours) <= off else Word.DIFFERS
        found.append(Finding(quantity=f"account {quantity}", word=word, stated=stated, ours=ours, off=off))
    return found


def _of_ratio(records: Records, account: AccountHealth, companions: Companions, sound: dict[str, str]) -> list[Finding]:
    """The venue's ratio from positions and what another frame of the account says of its cash."""
    if account.stated_use is None or not account.holdings or any(sound.values()):
        return []
    cash = companions.get((account.venue, account.account, account.unit))
    profits = [one.profit for one in account.holdings if one.profit is not None]
    equity, without = account.equity, "a balance of the same account"
    if equity is None and cash is not None:
        if len(profits) == len(account.holdings):
            equity = cash + sum(profits)
        else:
            without = "the profit of each position"
    needs = [maintenance_of(records, account.venue, account.at_ns, one) for one in account.holdings]
    fees = [fee_of(records, account.venue, account.at_ns, one) for one in account.holdings]
    lacks = next((one.lacks for one in needs if one.value is None), "" if equity else without)
    if lacks or not equity or None in fees:
        return [Finding(quantity="venue's ratio as use", word=Word.LACKS, stated=account.stated_use, note=lacks)]
    ours = (sum(one.value or 0.0 for one in needs) + sum(one or 0.0 for one in fees)) / equity
    word = Word.REPRODUCED if abs(account.stated_use - ours) <= RELATIVE * ours else Word.DIFFERS
    return [
        Finding(quantity="venue's ratio as use", word=word, stated=account.stated_use, ours=ours, off=RELATIVE * ours)
    ]
