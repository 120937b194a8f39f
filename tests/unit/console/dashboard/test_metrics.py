"""The metrics: names and units of the operations contract, bounded labels, nothing for what is unknown."""

import re
from typing import Any

from hedgebot.console.dashboard.metrics import exposition
from hedgebot.console.snapshot import read_snapshot

Answer = dict[str, Any]
SAMPLE = re.compile(r'^(hedgebot_[a-z0-9_]+)(\{[a-z_]+="[^"\n]*"(?:,[a-z_]+="[^"\n]*")*\})? (-?[0-9.e+-]+)$')
LABELS = {"underlying", "account", "channel", "mode", "coin", "le", "version", "config_hash"}
# What the contract asks for and the snapshot has.
WANTED = (
    *(
        "net_delta_coin",
        "worst_case_delta_coin",
        "band_soft_coin",
        "band_soft_below_coin",
        "band_hard_coin",
        "margin_buffer_ratio",
    ),
    *("data_age_seconds", "clock_offset_seconds", "open_orders", "unknown_orders", "unknown_order_age_seconds"),
    *("fills_total", "refused_total", "rejects_total", "loop_lag_seconds", "alert_latency_seconds_bucket"),
    *("alert_delivery_failures_total", "mode_info", "build_info"),
)


def samples(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        assert match, f"no line of the format: {line!r}"
        found[match[1] + (match[2] or "")] = match[3]
    return found


def full(answer: Answer) -> Answer:
    answer["book"] |= {"fills": 9, "own_fills": 5, "rejects": 1}
    answer["daemon"] |= {
        "loop_lag_ms": 3.0,
        "alert_delivery": {
            "channels": [{"name": "ops", "problem": "status 500", "failures": 2}],
            "latency": {"count": 3, "sum_s": 0.5, "max_s": 0.4, "buckets": [[0.1, 2], [None, 3]]},
        },
    }
    return answer


def test_what_the_contract_names_is_there(answer: Answer) -> None:
    text = exposition(read_snapshot(full(answer)))
    found = samples(text)
    families = {name.split("{")[0].removeprefix("hedgebot_") for name in found}
    assert set(WANTED) <= families
    delta = answer["book"]["underlyings"][0]["delta_coin"]
    assert float(found['hedgebot_net_delta_coin{underlying="BTC"}']) == delta
    assert found["hedgebot_up"] == "1"
    assert found["hedgebot_loop_lag_seconds"] == "0.003"
    assert found['hedgebot_mode_info{mode="active"}'] == "1"
    assert found['hedgebot_mode_info{mode="halted"}'] == "0"
    assert (
        found['hedgebot_alert_latency_seconds_bucket{le="+Inf"}']
        == found["hedgebot_alert_latency_seconds_count"]
        == "3"
    )
    assert found['hedgebot_alert_delivery_failures_total{channel="ops"}'] == "2"


def test_names_have_types_and_labels_are_bounded(answer: Answer) -> None:
    text = exposition(read_snapshot(full(answer)))
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    for name, kind in types.items():
        assert name.endswith("_total") == (kind == "counter"), name
    assert set(re.findall(r'([a-z_]+)="', text)) <= LABELS
    for order in answer["book"]["orders"]:
        assert order["client_id"] not in text


def test_what_is_unknown_has_no_line_and_no_zero(answer: Answer) -> None:
    answer["book"]["underlyings"][0]["delta_coin"] = None
    found = samples(exposition(read_snapshot(answer)))
    assert 'hedgebot_net_delta_coin{underlying="BTC"}' not in found
    assert 'hedgebot_net_delta_coin{underlying="ETH"}' in found


def test_without_a_daemon_only_that_is_said() -> None:
    assert samples(exposition(None)) == {"hedgebot_up": "0"}


def test_a_name_cannot_break_out_of_its_label(answer: Answer) -> None:
    answer["book"]["underlyings"][0]["underlying"] = 'B"\n\\C'
    text = exposition(read_snapshot(answer))
    assert 'underlying="B\\"\\n\\\\C"' in text


def test_a_hosting_region_has_one_share_however_many_venues_it_has(answer: Answer) -> None:
    hosted = {"region": "tokyo", "region_share": 0.7}
    rows = [{"venue": "a", "share": 0.4} | hosted, {"venue": "b", "share": 0.3} | hosted, {"venue": "c", "share": 0.2}]
    full(answer)["book"]["venues"] = rows
    found = samples(exposition(read_snapshot(answer)))
    told = {name: value for name, value in found.items() if name.startswith("hedgebot_region_")}
    assert told == {'hedgebot_region_equity_share_ratio{region="tokyo"}': "0.7"}
