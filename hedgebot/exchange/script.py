"""Plays the events that a scenario has written down, each at its moment of the exchange's time.

Owns when an event is due and to whom its parts go: troubles to the striker, faults of orders to their book, the
client's pace to the flow, and the whole event to the listeners (the wire's face takes the weather and the faults of
connections from it). Must not know how a trouble or a fault happens.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.errors import ConfigError
from hedgebot.exchange.clientflow import ClientFlow
from hedgebot.exchange.faults import OrderFault
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.pricepath import PricePath
from hedgebot.exchange.scenario import EventSpec, Scenario
from hedgebot.exchange.trouble import Trouble
from hedgebot.exchange.types import Notice, Scripted


class Script:
    """A scenario's events in the order of their moments; of one moment in the order of the file.

    An event happens at the first grid point at or after its moment, before that point's prices are made.
    `clock` turns a moment of the recording into the exchange's time.
    """

    def __init__(
        self,
        scenario: Scenario,
        start_ns: int,
        clock: Callable[[datetime], int] | None,
        *,
        strike: Callable[[Trouble], None],
        spoil: Callable[[OrderFault], object],
        flow: ClientFlow | None,
        tell: Callable[[Notice], None],
    ) -> None:
        self._name = scenario.name
        self._strike, self._spoil, self._flow, self._tell = strike, spoil, flow, tell
        moments = [_moment_ns(one, start_ns, clock, scenario.name) for one in scenario.events]
        order = sorted(range(len(moments)), key=lambda number: moments[number])
        self._waiting = [(moments[number], scenario.events[number]) for number in reversed(order)]

    @property
    def next_ns(self) -> int | None:
        """When the next event is due; None after the last."""
        return self._waiting[-1][0] if self._waiting else None

    def play(self, now_ns: int) -> None:
        """Have all happen that is due by now. ConfigError for what cannot happen in this world; it is not retried.

        The caller has set the exchange's time to `now_ns`.
        """
        while self._waiting and self._waiting[-1][0] <= now_ns:
            self._act(self._waiting.pop()[1], now_ns)

    def _act(self, event: EventSpec, now_ns: int) -> None:
        try:
            if event.trouble is not None:
                self._strike(event.trouble)
            for fault in event.faults:
                if isinstance(fault, OrderFault):
                    self._spoil(fault)
        except ValueError as error:
            when = f"at_s = {event.at_s:g}" if event.at_s is not None else f"at = {event.at}"
            raise ConfigError(f"scenario {self._name}: event of {when}: {error}") from error
        if event.flow is not None and self._flow is not None:
            if event.flow.trades_per_minute is not None:
                self._flow.trades_per_minute = event.flow.trades_per_minute
            self._flow.switch(enabled=event.flow.enabled, now_ns=now_ns)
        self._tell(Scripted(event=event))


def _moment_ns(event: EventSpec, start_ns: int, clock: Callable[[datetime], int] | None, name: str) -> int:
    if event.at_s is not None:
        return start_ns + int(event.at_s * NS_PER_S)
    if event.at is None or clock is None:
        raise ConfigError(f"scenario {name}: an event of {event.at} needs a recording to count on; give it at_s")
    return clock(event.at)


def recorded_clock(paths: Mapping[str, PricePath], start_ns: int) -> Callable[[datetime], int] | None:
    """The clock of the first recording; None where nothing recorded is played."""
    path = next((one for one in paths.values() if isinstance(one, RecordedPath)), None)
    if path is None:
        return None

    def clock(moment: datetime) -> int:
        at = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return start_ns + int(path.delay_s(at.timestamp() * 1e9) * 1e9)

    return clock
