"""What a link carries, as values: a link's everyday behaviour, what it knows of a request or of a push, what struck.

Owns names and units. Carries nothing itself: that is `link.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import msgspec

from hedgebot.exchange.faults import Altered, FaultBase
from hedgebot.exchange.latency import Latencies
from hedgebot.exchange.types import EndpointClass, Refusal

T = TypeVar("T")
Probability = Annotated[float, msgspec.Meta(ge=0, lt=1)]


class LinkSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link's everyday behaviour. Probabilities per request or push; `reconnect_ms` None: the client reconnects."""

    latencies: Latencies = Latencies()
    request_lost: Probability = 0.0
    ack_lost: Probability = 0.0
    push_lost: Probability = 0.0
    push_duplicated: Probability = 0.0
    push_reordered: Probability = 0.0
    reorder_ms: float = 50.0
    reconnect_ms: float | None = 1_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[T]):
    """What a link knows of a request: its name for faults, and how to answer it other than by carrying it out.

    `pretend` makes an acknowledgement that is not true, `refuse` turns a refusal into an answer (without it the client
    loses the request, with the reason), `empty` and `alter` spoil a true answer. `sent_ms` is the client's clock.
    """

    name: str = ""
    instrument: str = ""
    endpoint: EndpointClass | None = None
    sent_ms: int | None = None
    window_ms: int | None = None
    pretend: Callable[[], T] | None = None
    refuse: Callable[[Refusal], T] | None = None
    empty: Callable[[T], T] | None = None
    alter: Callable[[T, Altered], T] | None = None


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news: how it is delivered, and how it is when it cannot be read or its figures are wrong."""

    deliver: Callable[[], None]
    topic: str = ""
    instrument: str = ""
    unreadable: Callable[[], None] | None = None
    altered: Callable[[Altered], None] | None = None


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault that struck: evidence for whoever counts them."""

    at_ns: int
    fault: FaultBase
    on: str


class Way(Generic[T]):
    """One request on its way: told once how it ended, whatever else happens."""

    def __init__(
        self, call: Call[T], work: Callable[[], T], answered: Callable[[T], None], lost: Callable[[str], None]
    ) -> None:
        self.call = call
        self.work = work
        self._answered = answered
        self._lost = lost
        self._over = False

    def answer(self, answer: T, *, again: bool = False) -> None:
        """Bring the answer, unless the client has given up; a duplicate comes whatever was before."""
        if not self._over or again:
            self._over = True
            self._answered(answer)

    def lose(self, reason: str) -> None:
        """Tell the client that there will be no answer."""
        if not self._over:
            self._over = True
            self._lost(reason)

    def refused(self, refusal: Refusal) -> None:
        """Bring a refusal, as an answer where the caller knows how it looks."""
        if self.call.refuse is None:
            self.lose(refusal.reason.value)
        else:
            self.answer(self.call.refuse(refusal))
