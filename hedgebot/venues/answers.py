"""What HTTP answers say beside their content: the key is refused, this address must pause, how much of a limit is left.

Sees every answer of both clients and every refused dial. Tells refusals of the key and pauses as events and keeps the
account's budget in step; must not judge an order's outcome.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from hedgebot.domain.events import AuthenticationFailed, Stream, StreamChanged, VenuePaused
from hedgebot.domain.ports import EventSink
from hedgebot.venues.buckets import Budget
from hedgebot.venues.profile import Channel, VenueProfile, Verdict, classify
from hedgebot.venues.replies import RawReply, seconds_of

# The same refusal of the key comes with every poll: it is told again after this long.
REPEAT_S = 30.0
# A venue that names a day would end the hedging of a day by one header.
PAUSE_MAX_S = 900.0
_log = logging.getLogger(__name__)


class Answers:
    """The account's ear for every answer. `now_s` is a monotonic clock in seconds."""

    def __init__(
        self, account: str, profile: VenueProfile, budget: Budget, sink: EventSink, now_s: Callable[[], float]
    ) -> None:
        self._account = account
        self._profile = profile
        self._budget = budget
        self._sink = sink
        self._now_s = now_s
        self._told_s: dict[str, float] = {}
        # Set by the venue: whether the trade socket can be used now.
        self.trade_ready: Callable[[], bool] = lambda: False

    def observe(self, reply: RawReply) -> None:
        """Take note of one HTTP answer."""
        if reply.status is None:
            return
        if classify(self._profile, Channel.REST, code=reply.code, status=reply.status) is Verdict.AUTH:
            self.key_refused(reply.code or f"http:{reply.status}", reply.message)
        pause_s = self._pause_s(reply.status, reply.code, reply.retry_after_s)
        if pause_s is not None:
            self._pause(f"HTTP {reply.status}" if reply.status != 200 else f"code {reply.code}", pause_s)

    def dial_refused(self, error: object) -> float:
        """Take note of a dial that failed; returns the seconds that the venue asks to wait before the next, or 0."""
        status = getattr(error, "status", None)
        if not isinstance(status, int):
            return 0.0
        headers: Any = getattr(error, "headers", None)
        asked_s = seconds_of(headers.get("Retry-After")) if isinstance(headers, Mapping) else None
        pause_s = self._pause_s(status, None, asked_s)
        if pause_s is not None:
            self._pause(f"HTTP {status} to a dial", pause_s)
        return min(max(asked_s or 0.0, pause_s or 0.0), PAUSE_MAX_S)

    def key_refused(self, code: str, words: str) -> None:
        """Tell that the venue refused the key: once per code and half minute."""
        now = self._now_s()
        if now - self._told_s.get(code, -REPEAT_S) < REPEAT_S:
            return
        self._told_s[code] = now
        self._sink.put(AuthenticationFailed(account=self._account, code=code, message=words))

    def _pause_s(self, status: int, code: str | None, asked_s: float | None) -> float | None:
        """How long nothing but cancels may leave: the venue's word, else what is known of it; None for not at all."""
        known_s = self._profile.pause_statuses_s.get(status)
        if known_s is None:
            known_s = self._profile.pause_codes_s.get(code or "")
        if known_s is None:
            return None
        return min(known_s if asked_s is None else asked_s, PAUSE_MAX_S)

    def _pause(self, why: str, pause_s: float) -> None:
        paused_s = self._budget.paused_s
        self._budget.pause(pause_s)
        # Several answers of one burst say the same.
        if paused_s > 0.0 and pause_s <= paused_s + 1.0:
            return
        reason = f"{why}: requests and dials pause for {pause_s:.0f} s, but for one cancel"
        _log.warning("account %s: %s", self._account, reason)
        self._sink.put(VenuePaused(account=self._account, seconds=pause_s, reason=reason[:200]))
        # The way by which orders leave: its socket, where there is one, is as it was.
        self._sink.put(
            StreamChanged(account=self._account, stream=Stream.TRADE, up=self.trade_ready(), reason=reason[:200])
        )
