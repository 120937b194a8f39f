"""Market data to subscribed sockets: who subscribed what, and when each topic is published.

Owns the list of topics; what they send is `topics.py` and `topics_risk.py`. Market notices are conflated by instrument
until the next flush.
"""

import time

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import BookChanged, Liquidated, Notice, PublicTrade, TickerChanged
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.bars import INTERVALS
from hedgebot.exchange.wire.sampling import sample
from hedgebot.exchange.wire.sessions import Session
from hedgebot.exchange.wire.topics import (
    DEPTHS,
    BookTopic,
    KlineTopic,
    TickerTopic,
    Topic,
    TradeTopic,
)
from hedgebot.exchange.wire.topics_risk import GROUPS, AdlTopic, InsuranceTopic, LiquidationTopic, PriceLimitTopic

_GROUP_TOPICS: dict[str, type[AdlTopic] | type[InsuranceTopic]] = {"adlAlert": AdlTopic, "insurance": InsuranceTopic}


class Publisher:
    """All public topics that anyone subscribed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._topics: dict[tuple[str, str], Topic] = {}
        # Topics about a group of contracts are under None: they are looked at once a second.
        self._by_instrument: dict[InstrumentId | None, list[Topic]] = {}
        self._dirty: dict[InstrumentId | None, None] = {}
        self._looked_s = 0.0

    def on_notice(self, notice: Notice) -> None:
        """Take note of what moved."""
        match notice:
            case BookChanged() | TickerChanged():
                self._dirty[notice.instrument] = None
            case PublicTrade():
                trade = notice.trade
                listing = self._api.exchange.listing(trade.instrument)
                self._api.bars.add(trade, listing.instrument if listing is not None else None)
                self._dirty[trade.instrument] = None
                for topic in self._by_instrument.get(trade.instrument, ()):
                    if isinstance(topic, TradeTopic):
                        topic.trades.append(trade)
            case Liquidated():
                self._dirty[notice.instrument] = None
                for topic in self._by_instrument.get(notice.instrument, ()):
                    if isinstance(topic, LiquidationTopic):
                        topic.liquidations.append(notice)
            case _:
                pass

    def subscribe(self, session: Session, name: str) -> bool:
        """Add a subscriber; False when there is no such topic on its channel."""
        topic = self._topics.get((session.channel, name)) or self._make(session.channel, name)
        if topic is None:
            return False
        topic.subscribers[session] = None
        topic.fresh.add(session)
        session.topics[name] = None
        self._dirty[topic.instrument] = None
        return True

    def unsubscribe(self, session: Session, name: str) -> None:
        """Remove a subscriber; the last one takes the topic with it."""
        session.topics.pop(name, None)
        topic = self._topics.get((session.channel, name))
        if topic is None:
            return
        topic.subscribers.pop(session, None)
        topic.fresh.discard(session)
        if not topic.subscribers:
            del self._topics[session.channel, name]
            self._by_instrument[topic.instrument].remove(topic)

    def _make(self, channel: str, name: str) -> Topic | None:
        kind, _, rest = name.partition(".")
        argument, _, symbol = rest.partition(".")
        topic: Topic | None = None
        if rest in GROUPS.get(channel, ()):
            topic = _GROUP_TOPICS[kind](name, rest) if kind in _GROUP_TOPICS else None
            return self._keep(channel, topic)
        listing = self._api.find(channel, symbol or argument)
        if listing is None:
            return None
        if kind == "tickers" and not symbol:
            topic = TickerTopic(name, listing)
        elif kind == "publicTrade" and not symbol:
            topic = TradeTopic(name, listing)
        elif kind == "orderbook" and argument in map(str, DEPTHS[channel]):
            topic = BookTopic(name, listing, int(argument))
        elif kind == "kline" and argument in INTERVALS and channel != "option":
            topic = KlineTopic(name, listing, argument)
        elif kind == "priceLimit" and not symbol and channel != "option":
            topic = PriceLimitTopic(name, listing)
        elif kind == "allLiquidation" and not symbol and channel in GROUPS:
            topic = LiquidationTopic(name, listing)
        return self._keep(channel, topic)

    def _keep(self, channel: str, topic: Topic | None) -> Topic | None:
        if topic is not None:
            self._topics[channel, topic.name] = topic
            self._by_instrument.setdefault(topic.instrument, []).append(topic)
        return topic

    def flush(self) -> None:
        """Publish every topic of what moved; once a second also the quiet ones (level 1 repeats, lagging sockets)."""
        now_s = time.monotonic()
        quiet = now_s - self._looked_s >= 1.0
        if quiet:
            self._looked_s = now_s
            sample(self._api.exchange, self._api.bars)
            self._resync()
        dirty, self._dirty = self._dirty, {}
        for instrument in list(self._by_instrument) if quiet else dirty:
            for topic in tuple(self._by_instrument.get(instrument, ())):
                topic.publish(self._api)

    def _resync(self) -> None:
        """Owe a snapshot to sockets that lost frames and have caught up."""
        for topic in self._topics.values():
            topic.fresh |= {one for one in topic.subscribers if one.lagging and not one.waiting}
        for topic in self._topics.values():
            for session in topic.fresh:
                session.lagging = False
