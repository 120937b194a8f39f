"""Delivery: the first channel that works, the next within seconds, nothing lost quietly, nothing told twice."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from hedgebot.daemon import delivery as module
from hedgebot.daemon.channels import ActiveAlert, AlertLine, ChannelError
from hedgebot.daemon.delivery import LINES_MAX, Delivery, Trial, trial_code
from hedgebot.domain.alerts import AlertKind
from tests.support.waiting import until

KIND = AlertKind.RECON_BREAK


class Fake:
    """A channel that does what it is told."""

    kind = "fake"

    def __init__(self, name: str, problem: str = "", *, hangs: bool = False, timeout_s: float = 0.2) -> None:
        self.name = name
        self.problem = problem
        self.hangs = hangs
        self.timeout_s = timeout_s
        self.attempts = 0
        self.taken: list[AlertLine] = []

    async def send(self, lines: Sequence[AlertLine]) -> None:
        self.attempts += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.problem:
            raise ChannelError(self.problem)
        self.taken += lines

    @property
    def subjects(self) -> list[str]:
        return [one.alert.subject for one in self.taken]


def line(subject: str) -> AlertLine:
    alert = ActiveAlert(
        kind=KIND, severity=KIND.severity, runbook=KIND.runbook, subject=subject, summary="s", raised_at_ns=0
    )
    return AlertLine(at_ns=0, state="raised", alert=alert)


class Rig:
    def __init__(self, *channels: Fake) -> None:
        self.delivery = Delivery(channels, now_ns=lambda: 0, book="test")
        self.told: list[tuple[AlertKind, str, str]] = []
        self.delivery.on_channel = lambda *words: self.told.append(words)

    def put(self, *subjects: str) -> None:
        for one in subjects:
            self.delivery.put(line(one))


async def test_the_first_channel_takes_everything_in_order_and_once() -> None:
    first, second = Fake("first"), Fake("second")
    rig = Rig(first, second)
    rig.put("a", "b")
    assert await rig.delivery.hand_over()
    rig.put("c")
    assert await rig.delivery.hand_over()
    assert first.subjects == ["a", "b", "c"]
    assert (first.attempts, second.attempts) == (2, 0)
    assert not any(problem for _, _, problem in rig.told)


@pytest.mark.parametrize("first", [Fake("first", "status 500"), Fake("first", hangs=True)])
async def test_the_second_channel_takes_over_and_the_failure_is_an_alert(first: Fake) -> None:
    second = Fake("second")
    rig = Rig(first, second)
    rig.put("a")
    assert await rig.delivery.hand_over()
    rig.put("b")
    assert await rig.delivery.hand_over()
    assert second.subjects == ["a", "b"]
    assert first.attempts == 1, "a channel that failed rests: the next alert does not wait for it"
    kind, name, problem = rig.told[0]
    assert (kind, name) == (AlertKind.DELIVERY_FAILED, "channel first")
    assert "the next channel takes over" in problem
    state = rig.delivery.state()
    assert state.channels[0].problem
    assert state.channels[0].failures == 1
    assert state.channels[1].handed_over == 2
    assert state.channels[1].problem == ""


async def test_what_no_channel_takes_stays_and_goes_out_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_S_FIRST", 0.05)
    only = Fake("only", "gone")
    rig = Rig(only)
    work = asyncio.ensure_future(rig.delivery.deliver())
    try:
        rig.put("a", "b")
        await until(lambda: only.attempts >= 2)
        assert rig.delivery.state().waiting == 2
        only.problem = ""
        await until(lambda: only.subjects == ["a", "b"])
    finally:
        work.cancel()
    assert rig.told[-1][2] == "", "the alert about the channel is resolved"


async def test_a_channel_that_failed_is_probed_without_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_S_FIRST", 0.05)
    first, second = Fake("first", "gone"), Fake("second")
    rig = Rig(first, second)
    work = asyncio.ensure_future(rig.delivery.deliver())
    try:
        rig.put("a")
        await until(lambda: first.attempts >= 3)
        first.problem = ""
        await until(lambda: bool(first.taken))
    finally:
        work.cancel()
    (probe,) = first.taken
    assert (probe.state, probe.alert.kind) == ("probe", AlertKind.DELIVERY_FAILED)
    assert "1 alerts went elsewhere" in probe.alert.summary
    assert second.subjects == ["a"], "a probe is not sent to a channel that works"
    assert rig.told[-1] == (AlertKind.DELIVERY_FAILED, "channel first", "")


async def test_the_rest_grows_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    link = module._Link(Fake("first", "gone"))
    rests = []
    for _ in range(6):
        assert not await link.attempt([line("a")])
        rests.append(link.rests_until_s - 100.0)
    assert rests == [5, 10, 20, 40, 60, 60]


async def test_a_storm_is_bounded_and_costs_few_attempts() -> None:
    first = Fake("first")
    rig = Rig(first)
    rig.put(*(str(number) for number in range(LINES_MAX + 10)))
    state = rig.delivery.state()
    assert (state.waiting, state.dropped) == (LINES_MAX, 10)
    assert await rig.delivery.hand_over()
    assert len(first.taken) == LINES_MAX
    assert first.subjects[-1] == str(LINES_MAX + 9)
    assert first.attempts == LINES_MAX // module.BATCH_MAX


async def test_news_that_push_a_batch_out_while_it_travels_lose_nothing_else() -> None:
    class Pushing(Fake):
        async def send(self, lines: Sequence[AlertLine]) -> None:
            if not self.taken:
                rig.put(*(f"new {number}" for number in range(LINES_MAX - 1)))
            await super().send(lines)

    first = Pushing("first")
    rig = Rig(first)
    rig.put("a", "b", "c")
    assert await rig.delivery.hand_over()
    assert len(first.subjects) == len(set(first.subjects)) == LINES_MAX + 2
    assert rig.delivery.state().dropped == 2, "two of the three that were on their way"


async def test_the_time_to_the_first_hand_off_is_measured() -> None:
    slow, second = Fake("slow", hangs=True), Fake("second")
    rig = Rig(slow, second)
    rig.put("a", "b")
    await rig.delivery.hand_over()
    latency = rig.delivery.state().latency
    assert latency.count == 2
    assert 0.2 <= latency.max_s < 1.0
    assert latency.sum_s == pytest.approx(2 * latency.max_s, rel=0.2)
    counts = dict(latency.buckets)
    assert counts[0.1] == 0
    assert counts[1.0] == counts[None] == 2


async def test_a_test_goes_through_every_channel_resting_or_not() -> None:
    good, bad, hanging = Fake("good"), Fake("bad", "status 500"), Fake("hanging", hangs=True)
    rig = Rig(bad, good, hanging)
    rig.put("a")
    await rig.delivery.hand_over()
    trials = await rig.delivery.test(line("test"))
    assert [(one.channel, one.problem) for one in trials] == [
        ("bad", "status 500"),
        ("good", ""),
        ("hanging", "no end within 0.2 s"),
    ]
    assert trial_code(trials) == 3
    assert trial_code(trials[:1]) == 1
    assert trial_code([Trial(channel="c", kind="k", problem="", seconds=0.1)]) == 0


async def test_the_end_of_a_run_does_not_wait_for_a_dead_channel() -> None:
    rig = Rig(Fake("hanging", hangs=True, timeout_s=30.0))
    rig.put("a")
    async with asyncio.timeout(1):
        await rig.delivery.flush(0.1)
    assert rig.delivery.state().waiting == 1


def test_a_shout_needs_no_running_loop() -> None:
    bad, good = Fake("bad", "status 500"), Fake("good")
    rig = Rig(bad, good)
    rig.delivery.shout(line("the loop is blocked"))
    for _ in range(500):
        if good.taken:
            break
        time.sleep(0.01)
    assert good.subjects == ["the loop is blocked"]
    assert bad.attempts == 1
