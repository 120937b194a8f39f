from datetime import timedelta

from hedgebot.domain.durations import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS, NS_PER_S


def test_each_unit_is_its_length_in_nanoseconds() -> None:
    spans = [timedelta(milliseconds=1), timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(1)]
    nanoseconds = [one // timedelta(microseconds=1) * 1_000 for one in spans]
    assert nanoseconds == [NS_PER_MS, NS_PER_S, NS_PER_MINUTE, NS_PER_HOUR, NS_PER_DAY]
