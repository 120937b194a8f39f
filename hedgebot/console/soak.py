"""`hedgebot sim soak`: the real daemon on the wire for a long time, on lines that break, and whether it grows.

Owns the run's course: exchange, proxy, daemon, blows and samples. What the samples mean is judged in `lab.vitals`,
whether the books agree at the end in `summary`, as for the demo.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import orjson

from hedgebot.console.admin import Admin
from hedgebot.console.assets import scenario_file
from hedgebot.console.control import ask
from hedgebot.console.demo import START_WAIT_S, Stopped, check_alive, settle, write_config
from hedgebot.console.errors import DaemonUnreachable
from hedgebot.console.processes import Child
from hedgebot.console.snapshot import Snapshot, read_snapshot
from hedgebot.console.summary import DemoSummary, summarise
from hedgebot.console.words import duration
from hedgebot.domain.errors import HedgebotError
from hedgebot.lab import vitals
from hedgebot.lab.chaosplan import Hand, plan
from hedgebot.lab.chaosproxy import ProxyThread, proxied

POLL_S = 0.25
SAMPLE_S_SHORT, SAMPLE_S_LONG, LONG_S = 1.0, 4.0, 600.0
# After the last blow the book must be hedged again within this (SAFETY: T_rec).
RECOVER_S_MAX = 60.0
SAMPLES_FILE = "soak.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class SoakWish:
    """What the command line asked for; `folder` is new."""

    minutes: float
    seed: int
    folder: Path


class SoakReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a soak came to. `blows` count what was done to the lines, `dials` the connections that the daemon tried."""

    seed: int
    minutes: float
    state_dir: str
    blows: dict[str, int]
    dials: int
    recovered_s: float | None
    lost_samples: int
    health: vitals.Health
    book: DemoSummary
    complaints: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether nothing grew and the books agree."""
        return not self.complaints


class Course:
    """One soak's processes and what was seen of them."""

    def __init__(
        self, wish: SoakWish, children: tuple[Child, Child], proxy: ProxyThread, told: Callable[[str], None]
    ) -> None:
        self._wish = wish
        self._children = children
        self._proxy = proxy
        self._told = told
        self.samples: list[vitals.Vitals] = []
        self.lost = 0
        self.hand = Hand(plan(wish.seed, wish.minutes * 60.0))

    def status(self) -> Snapshot | None:
        """The daemon's word; None when it gives none in time."""
        check_alive(self._children)
        try:
            return read_snapshot(ask(self._wish.folder, "status").data or {})
        except DaemonUnreachable:
            return None

    def until_active(self, seconds: float) -> float | None:
        """Wait until the book is hedged; how long that took, None when it did not come to it."""
        began_s = time.monotonic()
        while (gone_s := time.monotonic() - began_s) < seconds:
            seen = self.status()
            if (
                seen is not None
                and seen.book.mode == "active"
                and all(one.reconciled or one.watched for one in seen.book.accounts)
            ):
                return gone_s
            time.sleep(POLL_S)
        return None

    def batter(self) -> None:
        """Let the blows fall and sample until the time is over or somebody stops it."""
        seconds = self._wish.minutes * 60.0
        every_s = SAMPLE_S_LONG if seconds >= LONG_S else SAMPLE_S_SHORT
        began_s, next_s, next_word_s = time.monotonic(), 0.0, 0.0
        with contextlib.suppress(Stopped), (self._wish.folder / SAMPLES_FILE).open("ab") as file:
            while (now_s := time.monotonic() - began_s) < seconds:
                self._proxy.do(partial(self.hand.tick, now_s=now_s))
                if now_s >= next_s:
                    next_s += every_s
                    sample = self._sample(now_s)
                    if sample is not None:
                        file.write(orjson.dumps(msgspec.to_builtins(sample)) + b"\n")
                        file.flush()
                if now_s >= next_word_s:
                    next_word_s += max(30.0, seconds / 30.0)
                    self._say(now_s)
                time.sleep(POLL_S)
        self._proxy.do(self.hand.rest)

    def _sample(self, now_s: float) -> vitals.Vitals | None:
        seen, pid = self.status(), self._children[1].pid
        if seen is None or seen.daemon.tasks is None:
            self.lost += 1
            return None
        sample = vitals.Vitals(
            at_s=round(now_s, 2),
            private_bytes=vitals.private_bytes(pid),
            rss_bytes=vitals.resident_bytes(pid),
            tasks=seen.daemon.tasks,
            descriptors=vitals.descriptor_count(pid),
            journal_bytes=vitals.journal_bytes(self._wish.folder),
        )
        self.samples.append(sample)
        return sample

    def _say(self, now_s: float) -> None:
        if self.samples:
            last = self.samples[-1]
            private, resident, journal = (
                one / vitals.MB for one in (last.private_bytes, last.rss_bytes, last.journal_bytes)
            )
            self._told(
                f"{duration(now_s)}: {private:.1f} MB (and {resident - private:.1f} of files), {last.tasks} tasks, "
                f"{last.descriptors} descriptors, journal {journal:.1f} MB, {len(self.hand.fallen)} blows"
            )


def run_soak(wish: SoakWish, told: Callable[[str], None]) -> SoakReport:
    """Run it to its end. Raises HedgebotError when a process could not start or died; nothing stays running."""
    folder = wish.folder
    with contextlib.ExitStack() as ends:
        words = ["exchange", "serve", "--port", "0", "--seed", str(wish.seed), "--scenario", str(scenario_file("demo"))]
        exchange = Child("the simulated exchange", words, folder / "exchange.err")
        ends.callback(exchange.stop)
        url = str(orjson.loads(exchange.first_line(START_WAIT_S))["url"])
        proxy = ends.enter_context(proxied(urlsplit(url).port or 0, seed=wish.seed))
        config = write_config(folder, proxy.proxy.endpoint)
        daemon = Child(
            "the daemon", ["run", "--config", str(config), "--state-dir", str(folder)], folder / "daemon.err"
        )
        ends.callback(daemon.stop)
        children = (exchange, daemon)
        course = Course(wish, children, proxy, told)
        admin = Admin(url)
        admin.client_flow(enabled=False)
        began_s = time.monotonic()
        if course.until_active(START_WAIT_S) is None:
            raise HedgebotError(f"the book was not hedged within {START_WAIT_S:g} s; see {folder / 'hedgebot.log'}")
        admin.client_flow(enabled=True)
        course.batter()
        recovered_s = course.until_active(RECOVER_S_MAX)
        ran_s = time.monotonic() - began_s
        truth = settle(admin, folder, children)
        code = daemon.stop()
        dials = len(proxy.proxy.dials)
    book = summarise(folder, seed=wish.seed, ran_s=ran_s, truth=truth, daemon_code=code, share_wanted=0.0)
    return report(wish, course, book, recovered_s=recovered_s, dials=dials)


def report(wish: SoakWish, course: Course, book: DemoSummary, *, recovered_s: float | None, dials: int) -> SoakReport:
    """Judge what was seen."""
    try:
        health = vitals.judge(course.samples, vitals.warm_up_s(wish.minutes * 60.0))
    except ValueError as error:
        raise HedgebotError(f"the soak was too short to judge: {error}") from None
    complaints = [*health.complaints, *book.complaints]
    if recovered_s is None:
        complaints.append(f"the book was not hedged again within {RECOVER_S_MAX:g} s of the last blow")
    return SoakReport(
        seed=wish.seed,
        minutes=wish.minutes,
        state_dir=str(wish.folder),
        blows=dict(sorted(Counter(blow.kind.value for blow in course.hand.fallen).items())),
        dials=dials,
        recovered_s=recovered_s,
        lost_samples=course.lost,
        health=health,
        book=book,
        complaints=tuple(complaints),
    )


def report_lines(found: SoakReport) -> list[str]:
    """The report for people."""
    health, book = found.health, found.book
    slope = (
        f"too short to say (at least {vitals.SLOPE_SPAN_S / 60:.0f} minutes after the warm-up)"
        if health.private_mb_per_h is None
        else f"{health.private_mb_per_h:+.2f} MB an hour (limit {vitals.SLOPE_MB_PER_H_MAX:g})"
    )
    ratio = "" if health.journal_ratio is None else f", second half {health.journal_ratio:.2f} times the first"
    blows = ", ".join(f"{count} {name}" for name, count in found.blows.items()) or "none"
    back = "not hedged again" if found.recovered_s is None else f"hedged again after {found.recovered_s:.1f} s"
    return [
        f"Soak of {found.minutes:g} minutes, seed {found.seed}: {found.state_dir}",
        f"  blows             {blows}; {found.dials} dials; {back}",
        f"  samples           {health.samples} in {duration(health.span_s)} after warm-up, {found.lost_samples} lost",
        f"  memory            {health.private_mb:.1f} MB, slope {slope}, grew by {health.private_growth_mb:+.2f} MB",
        f"  mapped files      {health.rss_mb - health.private_mb:.1f} MB resident beside it",
        f"  tasks             {health.tasks:.0f}, {health.tasks_growth:+.0f} from first to last third",
        f"  descriptors       {health.descriptors:.0f}, {health.descriptors_growth:+.0f} from first to last third",
        f"  journal           {health.journal_mb_per_h:.0f} MB an hour{ratio}",
        (
            f"  orders            {book.exchange_orders} at the exchange, {book.intents} intents in the journal, "
            f"{book.orders_without_intent} without an intent, {book.unknown_outcomes} of unknown outcome"
        ),
        (
            f"  positions         {len(book.positions)} and {len(book.coins) + len(book.wallet)} balances compared, "
            f"{sum(not one.equal for one in (*book.positions, *book.coins, *book.wallet))} differ"
        ),
        "",
        *([f"NOT GOOD: {one}" for one in found.complaints] or ["It does not grow, and the books agree."]),
    ]
