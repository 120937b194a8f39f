"""The answer to a margin what-if, laid out: before, after, difference, the gate's verdict, the venue's own number.

Owns layout and words; whether an order passes is the gate's.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from hedgebot.console.margin_cost import aligned, usd, use_words, wrapped
from hedgebot.domain.whatif import Numbers, VenueNumbers, Verdict, WhatIf

_VERDICTS = {
    Verdict.PASS: "the margin gate would let it pass",
    Verdict.CUT: "the margin gate would cut it",
    Verdict.REFUSE: "the margin gate would refuse it",
    Verdict.UNKNOWN: "what the margin gate would say is unknown",
}

_WATCHED = {
    Verdict.PASS: "the account, which is only watched, would stay within its line",
    Verdict.CUT: "the account, which is only watched, would not bear all of it",
    Verdict.REFUSE: "the account, which is only watched, would be beyond its line",
    Verdict.UNKNOWN: "how the account, which is only watched, would stand is unknown",
}
_JUDGES = {
    "daemon": "the daemon's own margin gate",
    "watched": "the daemon's own model on what the venue says is held",
}


def lines(answers: Sequence[WhatIf], width: int) -> list[str]:
    """The first answer whole, the venue's other modes in a line each."""
    first, *others = answers
    found = [first.order, *_block(first, width)]
    if others:
        found += ["", "the same order in the venue's other modes, by model:"]
        found += [line for one in others for line in wrapped(_short(one), width)]
    return found


def _block(one: WhatIf, width: int) -> list[str]:
    who = _JUDGES.get(one.source, "our model on the book")
    found = wrapped(f"{one.venue} {one.mode}, {one.account}: judged by {who} [{one.model or 'no model'}]", width)
    if one.before is None or one.after is None:
        lines = [*found, *wrapped(f"no number: {one.problem}", width), *_theirs(one, width)]
        return lines if one.verdict is Verdict.UNKNOWN else [*lines, *wrapped(verdict_words(one), width)]
    rows = [("", "before", "after", "difference"), *_rows(one.before, one.after)]
    return [*found, *aligned(rows), *_theirs(one, width), *wrapped(verdict_words(one), width)]


def _rows(before: Numbers, after: Numbers) -> list[tuple[str, ...]]:
    pairs = (
        ("initial margin USD", before.initial, after.initial),
        ("maintenance margin USD", before.maintenance, after.maintenance),
        ("equity USD", before.equity, after.equity),
    )
    rows: list[tuple[str, ...]] = []
    rows += [(name, usd(one), usd(two), usd(_minus(two, one), signed=True)) for name, one, two in pairs]
    rows.append(("margin use", use_words(before.use), use_words(after.use), _points(before.use, after.use)))
    buffers = before.buffer, after.buffer
    rows.append(("buffer", *(_percent(one) for one in buffers), _points(*buffers)))
    rows.append(("to liquidation", distance(before), distance(after), _points(_far(before), _far(after))))
    return [*rows, ("  where", where(before), where(after), "")]


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _percent(value: float | None) -> str:
    return "unknown" if value is None else "none left" if value <= 0.0 else f"{value:.1%}"


def _points(before: float | None, after: float | None) -> str:
    """Difference of two ratios in points of a percent."""
    if before is None or after is None or abs(before) == float("inf") or abs(after) == float("inf"):
        return "-"
    return f"{(after - before) * 100:+.1f} pt"


def _far(one: Numbers) -> float | None:
    return None if one.distance_move is None else abs(one.distance_move)


def distance(one: Numbers) -> str:
    """How far liquidation is."""
    if one.equity is None:
        return "unknown"
    return "beyond 80%" if one.distance_move is None else f"{one.distance_move:+.1%}"


def where(one: Numbers) -> str:
    """At which price."""
    if one.distance_move is None:
        return "-"
    if not one.distance_underlying:
        return "all together"
    price = "at a price unknown" if one.distance_price is None else f"{one.distance_price:,.6g}"
    return f"{one.distance_underlying} {price}"


def _theirs(one: WhatIf, width: int) -> list[str]:
    """The venue's own number beside ours."""
    if one.theirs is None:
        return wrapped(f"the venue's own what-if: {one.theirs_problem}", width) if one.theirs_problem else []
    words = f"the venue's own what-if, margin over balance: {_venue_words(one.theirs)}"
    if one.before is not None and one.after is not None:
        words += f"; ours, over equity: maintenance {_rate(one.before.use)} -> {_rate(one.after.use)}"
    return wrapped(words, width)


def _venue_words(one: VenueNumbers) -> str:
    words = (
        f"initial {_rate(one.initial_before)} -> {_rate(one.initial_after)}, "
        f"maintenance {_rate(one.maintenance_before)} -> {_rate(one.maintenance_after)}"
    )
    return f"{words}; it would REFUSE the order: {one.refused}" if one.refused else words


def _rate(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2%}"


def verdict_words(one: WhatIf) -> str:
    """What the gate would do, and why."""
    if one.source == "watched":
        return f"{_WATCHED[one.verdict]}: {one.explanation}"
    words = _VERDICTS[one.verdict]
    words += f" to {one.fits}" if one.verdict is Verdict.CUT else ""
    kind = "it lowers the delta, so that it counts as a hedge" if one.hedges else "it adds risk"
    return f"{words} ({kind})" + (f": {one.explanation}" if one.explanation else "")


def _short(one: WhatIf) -> str:
    if one.before is None or one.after is None:
        return f"{one.mode}: no number, {one.problem}"
    added = usd(one.after.maintenance - one.before.maintenance, signed=True)
    words = f"{one.mode}: maintenance {usd(one.before.maintenance)} -> {usd(one.after.maintenance)} USD ({added})"
    if one.before.use is not None and one.after.use is not None:
        words += f", use {use_words(one.before.use)} -> {use_words(one.after.use)}"
    return f"{words}; {verdict_words(one)}"


def data(answers: Sequence[WhatIf]) -> list[dict[str, Any]]:
    """Every number, with the differences."""
    return [_data(one) for one in answers]


def _data(one: WhatIf) -> dict[str, Any]:
    before, after = one.before, one.after
    difference = None
    if before is not None and after is not None:
        difference = {
            "initial": _minus(after.initial, before.initial),
            "maintenance": after.maintenance - before.maintenance,
            "use": _minus(after.use, before.use),
        }
    found: dict[str, Any] = msgspec.to_builtins(one)
    for name, numbers in (("before", before), ("after", after)):
        if numbers is not None:
            found[name]["buffer"] = numbers.buffer
    return found | {"difference": difference}
