"""The story of one hedge as lines of text: cause, decision, gate, order, fills, cost. Pure; computes nothing new."""

from hedgebot.console.output import plain
from hedgebot.console.words import UNKNOWN, clock, coin, coins, half_widths, signed
from hedgebot.domain.events import BookTop, Event, FillReceived, OptionQuote, Ticker
from hedgebot.journal.story import HedgeStory


def story_lines(story: HedgeStory) -> list[str]:
    """Everything about one hedge, in the order in which it happened."""
    decision = story.decision
    name = decision.underlying
    lines = [
        f"decision {story.number} of run {story.run_id}, {clock(story.decided_at_ns)} UTC, by {decision.strategy}",
        f"  {plain(decision.explanation)}",
        "",
        f"cause     {decision.cause}: {event_words(story.cause)}{_ago(story.cause_to_decision_ms)}",
        f"trigger   {event_words(story.trigger)}",
        (
            f"delta     {coin(decision.delta_coin, name)}, target {coin(decision.target_coin, name)}, "
            f"band {half_widths(decision.band_coin, decision.band_below_coin)} {name}"
        ),
        (
            f"wanted    {coin(decision.trade_coin, name)}, left undone {coin(decision.residual_coin, name)}, "
            f"outcome {decision.outcome}"
        ),
    ]
    lines += _order_lines(story)
    lines += ["", "evidence"]
    lines += [f"  {key} = {plain(str(value))}" for key, value in decision.evidence.items()]
    return lines


def event_words(event: Event | None) -> str:
    """An event in a few words."""
    match event:
        case None:
            return "no longer on the tape"
        case FillReceived():
            return plain(
                f"fill {event.trade_id}: {event.side} {event.qty_contracts} {event.instrument} at {event.price}"
            )
        case BookTop():
            return plain(f"book of {event.instrument}: bid {event.bid}, ask {event.ask}")
        case Ticker():
            return plain(f"ticker of {event.instrument}: mark {event.mark}, index {event.index}")
        case OptionQuote():
            return plain(f"quote of {event.instrument}: mark {event.mark}, implied volatility {event.iv}")
        case _:
            return type(event).__name__


def _order_lines(story: HedgeStory) -> list[str]:
    if story.order is None:
        return ["order     none was sent"]
    intent = story.order.submit.approved.intent
    name = story.decision.underlying
    lines = [
        (
            f"order     {intent.side} {intent.qty_contracts} {intent.instrument}, limit {intent.limit_price} "
            f"{intent.time_in_force}, client id {story.order.submit.client_id}"
        ),
        *(f"  gate    {check.rule}: {check.value} held against {check.limit}" for check in story.checks),
    ]
    lines += [f"  {clock(step.at_ns)} {plain(step.what)}" for step in story.timeline]
    slippage = UNKNOWN if story.slippage_bps is None else f"{signed(story.slippage_bps, 2)} bps"
    lines += [
        (
            f"result    average {story.average_price or UNKNOWN}, middle on arrival {story.arrival_mid or UNKNOWN}, "
            f"slippage {slippage}, fees {coins(story.fees)}"
        ),
        (
            f"after     {coin(story.delta_after_coin, name)}; cause to fill {_ms(story.cause_to_fill_ms)}, "
            f"decision to fill {_ms(story.decision_to_fill_ms)}"
        ),
    ]
    return lines


def _ago(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f", {milliseconds:.1f} ms before the decision"


def _ms(milliseconds: float | None) -> str:
    return UNKNOWN if milliseconds is None else f"{milliseconds:.1f} ms"
