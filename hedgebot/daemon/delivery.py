"""Takes alerts to people: channels in order, the next when one fails, never in the way of the loop. Decides nothing.

Owns the waiting lines and how each channel is doing. `put` only appends; a supervised task hands batches over, each
attempt within its channel's time. A channel that failed rests, for longer each time, and is tried again with what
waits then or, where nothing does, with a probe; meanwhile the next channel takes everything at once. What no channel
took stays, up to a bound, and is tried again. That a channel fails is an alert of its own, delivered by the others.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import msgspec
import structlog

from hedgebot.daemon.channels import ActiveAlert, AlertLine, Channel, ChannelError, Command, RecordFile, Webhook
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ExitCode

LINES_MAX = 1_000
BATCH_MAX = 50
REST_S_FIRST = 5.0
REST_S_MAX = 60.0
# Upper bounds of the histogram of hand-off times, in seconds; the contract is 5 s (operations contract section 3).
BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, math.inf)


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """How one channel is doing; `problem` is empty while it works. Ages are None where it never happened."""

    name: str
    kind: str
    problem: str
    handed_over: int
    failures: int
    last_ok_age_s: float | None
    next_try_s: float | None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Time from an alert's event to its first hand-off: counts of hand-offs up to each bound (None: beyond all)."""

    count: int
    sum_s: float
    max_s: float
    buckets: tuple[tuple[float | None, int], ...]


class DeliveryState(msgspec.Struct, frozen=True, kw_only=True):
    """What `hedgebot status` and the dashboard say of alerts on their way."""

    channels: tuple[ChannelState, ...]
    waiting: int
    dropped: int
    latency: Latency


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a test on one channel; `problem` is empty when it took it."""

    channel: str
    kind: str
    problem: str
    seconds: float


def trial_code(trials: Sequence[Trial]) -> int:
    """0 when every channel took the test, 3 when some did, 1 when none did."""
    failed = sum(bool(one.problem) for one in trials)
    if not failed:
        return ExitCode.OK
    return ExitCode.FAILED if failed == len(trials) else ExitCode.DEGRADED


class _Link:
    """A channel and how it is doing."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.problem = ""
        self.handed_over = 0
        self.failures = 0
        self.elsewhere = 0
        self._in_a_row = 0
        self._ok_at_s: float | None = None
        self._one_at_a_time = asyncio.Lock()
        self.rests_until_s = 0.0

    async def attempt(self, lines: Sequence[AlertLine]) -> bool:
        """Hand a batch over within the channel's time; whether it was taken."""
        try:
            async with self._one_at_a_time, asyncio.timeout(self.channel.timeout_s):
                await self.channel.send(lines)
        except TimeoutError:
            self._failed(f"no end within {self.channel.timeout_s:g} s")
            return False
        except ChannelError as error:
            self._failed(str(error))
            return False
        self.problem = ""
        self.elsewhere = 0
        self._in_a_row = 0
        self.handed_over += len(lines)
        self._ok_at_s = time.monotonic()
        self.rests_until_s = 0.0
        return True

    def _failed(self, problem: str) -> None:
        self.problem = problem
        self.failures += 1
        self._in_a_row += 1
        self.rests_until_s = time.monotonic() + min(REST_S_MAX, REST_S_FIRST * 2 ** (self._in_a_row - 1))

    @property
    def rests(self) -> bool:
        return time.monotonic() < self.rests_until_s

    def state(self) -> ChannelState:
        now_s = time.monotonic()
        return ChannelState(
            name=self.channel.name,
            kind=self.channel.kind,
            problem=self.problem,
            handed_over=self.handed_over,
            failures=self.failures,
            last_ok_age_s=None if self._ok_at_s is None else round(now_s - self._ok_at_s, 1),
            next_try_s=round(max(0.0, self.rests_until_s - now_s), 1) if self.problem else None,
        )


class Delivery:
    """Hands alerts to the first channel that takes them."""

    def __init__(self, channels: Sequence[Channel], *, now_ns: Callable[[], int], book: str) -> None:
        self._links = [_Link(one) for one in channels]
        self._now_ns = now_ns
        self._book = book
        self._waiting: deque[tuple[AlertLine, float]] = deque()
        self._news = asyncio.Event()
        self._dropped = 0
        self._counts = [0] * len(BUCKETS_S)
        self._sum_s = 0.0
        self._max_s = 0.0
        self._log = structlog.stdlib.get_logger("hedgebot.alerts")
        self.on_channel: Callable[[AlertKind, str, str], None] = lambda _kind, _name, _problem: None

    def put(self, line: AlertLine) -> None:
        """Take news; never waits. Past the bound the oldest is dropped and counted: the journal and the log hold it."""
        if len(self._waiting) == LINES_MAX:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append((line, time.monotonic()))
        self._news.set()

    def shout(self, line: AlertLine) -> None:
        """Hand over from another thread while the loop does not run: each channel in turn, in a loop of its own.

        The last two channels, which stand on this machine, hear it in any case.
        """
        threading.Thread(target=lambda: asyncio.run(self._shout(line)), name="alert-shout", daemon=True).start()

    async def _shout(self, line: AlertLine) -> None:
        start_s = time.monotonic()
        taken = False
        for link in self._links:
            if taken and isinstance(link.channel, Webhook | Command):
                continue
            with contextlib.suppress(TimeoutError, ChannelError):
                async with asyncio.timeout(link.channel.timeout_s):
                    await link.channel.send([line])
                if not taken:
                    self._measure(time.monotonic() - start_s)
                taken = True
                link.handed_over += 1

    async def deliver(self) -> None:
        """Hand over until cancelled; run by the supervisor."""
        while True:
            await self._something_to_do()
            await self.hand_over()
            await self._probe()

    async def hand_over(self) -> bool:
        """Hand what waits over; False when no channel takes it, and then it stays."""
        while self._waiting:
            batch = list(self._waiting)[:BATCH_MAX]
            if not await self._to_first([line for line, _ in batch]):
                return False
            now_s = time.monotonic()
            for _, since_s in batch:
                self._measure(now_s - since_s)
            gone = {id(line) for line, _ in batch}
            # `put` may have dropped some of them from the left meanwhile.
            while self._waiting and id(self._waiting[0][0]) in gone:
                self._waiting.popleft()
        return True

    async def flush(self, seconds: float) -> None:
        """Hand over what waits now, at the end of a run; the rest is in the log and the journal."""
        try:
            async with asyncio.timeout(seconds):
                done = await self.hand_over()
        except TimeoutError:
            done = False
        if not done:
            self._log.error("alerts were not handed over", waiting=len(self._waiting), limit_s=seconds)

    async def test(self, line: AlertLine) -> tuple[Trial, ...]:
        """Hand a test to every channel at once, resting or not; what came of it on each."""

        async def one(link: _Link) -> Trial:
            start_s = time.monotonic()
            taken = await link.attempt([line])
            seconds = round(time.monotonic() - start_s, 3)
            problem = "" if taken else link.problem
            return Trial(channel=link.channel.name, kind=link.channel.kind, problem=problem, seconds=seconds)

        trials = tuple(await asyncio.gather(*(one(link) for link in self._links)))
        for link in self._links:
            self._tell(link)
        return trials

    def state(self) -> DeliveryState:
        """How it goes."""
        reached = 0
        buckets: list[tuple[float | None, int]] = []
        for bound_s, count in zip(BUCKETS_S, self._counts, strict=True):
            reached += count
            buckets.append((None if math.isinf(bound_s) else bound_s, reached))
        latency = Latency(
            count=reached, sum_s=round(self._sum_s, 6), max_s=round(self._max_s, 6), buckets=tuple(buckets)
        )
        return DeliveryState(
            channels=tuple(one.state() for one in self._links),
            waiting=len(self._waiting),
            dropped=self._dropped,
            latency=latency,
        )

    async def _to_first(self, lines: Sequence[AlertLine]) -> bool:
        """The first channel that takes it, and the record beside, which holds everything."""
        missed: list[_Link] = []
        taken = False
        for link in self._links:
            if taken and not isinstance(link.channel, RecordFile):
                continue
            if link.rests or not await self._attempt(link, lines):
                missed.append(link)
            else:
                taken = True
        if taken:
            for link in missed:
                link.elsewhere += len(lines)
        return taken

    async def _attempt(self, link: _Link, lines: Sequence[AlertLine]) -> bool:
        taken = await link.attempt(lines)
        self._tell(link)
        return taken

    def _tell(self, link: _Link) -> None:
        name = f"channel {link.channel.name}"
        problem = f"the {link.channel.kind} failed: {link.problem}; the next channel takes over" if link.problem else ""
        self.on_channel(AlertKind.DELIVERY_FAILED, name, problem)

    async def _probe(self) -> None:
        """Try channels again that failed and have rested, with a word on what they missed."""
        for link in self._links:
            if link.problem and not link.rests:
                await self._attempt(link, [self._probe_line(link)])

    def _probe_line(self, link: _Link) -> AlertLine:
        kind = AlertKind.DELIVERY_FAILED
        missed = f"{link.elsewhere} alerts went elsewhere meanwhile" if link.elsewhere else "no alert was missed"
        return AlertLine(
            at_ns=self._now_ns(),
            state="probe",
            book=self._book,
            alert=ActiveAlert(
                kind=kind,
                severity=kind.severity,
                runbook=kind.runbook,
                subject=f"channel {link.channel.name}",
                summary=f"this channel had failed and is tried again; {missed}: hedgebot status",
                raised_at_ns=self._now_ns(),
            ),
        )

    async def _something_to_do(self) -> None:
        """Wait for news, or until a channel has rested."""
        due_s = [link.rests_until_s for link in self._links if link.problem]
        wait_s = max(0.0, min(due_s) - time.monotonic()) if due_s else None
        if self._waiting and not all(link.rests for link in self._links):
            return
        try:
            await asyncio.wait_for(self._news.wait(), wait_s)
        except TimeoutError:
            return
        self._news.clear()

    def _measure(self, seconds: float) -> None:
        self._sum_s += seconds
        self._max_s = max(self._max_s, seconds)
        self._counts[next(place for place, bound_s in enumerate(BUCKETS_S) if seconds <= bound_s)] += 1
