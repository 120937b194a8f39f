"""The quick engine says what the engine says, and knows what it knows, at every event."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.core.engine import Engine
from hedgebot.core.quick import QuickEngine
from hedgebot.core.state import state_digest
from hedgebot.domain import events as ev
from hedgebot.domain.commands import SubmitOrder
from hedgebot.domain.instrument import Side
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import ACCOUNT, PRICE, Playbook, orders

MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            ["book", "book", "book", "book", "tick", "tick", "ticker", "alive", "wallet", "fill", "gap", "snapshot"]
        ),
        st.integers(min_value=-40, max_value=40),
    ),
    min_size=10,
    max_size=60,
)


def play_of(moves: list[tuple[str, int]]) -> Playbook:
    """A conversation of these moves, each a tenth of a second after the last."""
    play = Playbook()
    play.ready()
    price = PRICE
    for kind, size in moves:
        match kind:
            case "book":
                price += Decimal(size)
                play.send(play.book(price), after_ms=100)
            case "tick":
                play.tick(after_ms=100)
            case "ticker":
                play.send(play.ticker(price), after_ms=100)
            case "alive":
                play.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=100)
            case "wallet":
                play.send(ev.WalletUpdated(report=play.wallet(), source=ev.Source.STREAM), after_ms=100)
            case "snapshot":
                play.snapshot(wallet=play.wallet(equity=str(1_000_000 + size * 2_000), maintenance="600000"))
            case "fill":
                heard = play.send(play.fill(Side.of(float(size or 1)), "0.03"), after_ms=100)
                for order in orders(heard):
                    play.done(order)
            case _:
                play.tick(after_ms=abs(size) * 60)
    return play


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_every_conversation_is_the_same(moves: list[tuple[str, int]]) -> None:
    play = play_of(moves)
    full, quick = Engine(STRATEGY.build), QuickEngine(STRATEGY.build)
    for stamped in play.log:
        assert quick.step(stamped) == full.step(stamped)
        assert state_digest(quick.state) == state_digest(full.state)


def test_a_claim_is_made_when_it_pays() -> None:
    play = play_of([("book", 1), ("tick", 0)] * 40)
    quick, steps = QuickEngine(STRATEGY.build), 0
    original = quick._step

    def counted(stamped: ev.Stamped) -> tuple[object, ...]:
        nonlocal steps
        steps += 1
        return original(stamped)

    quick._step = counted  # type: ignore[method-assign, assignment]
    for stamped in play.log:
        quick.step(stamped)
    assert steps < len(play.log) / 2
    assert not [one for one in play.heard if isinstance(one, SubmitOrder)]
