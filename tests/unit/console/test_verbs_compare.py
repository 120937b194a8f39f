import msgspec

from hedgebot.console.verbs_compare import compare_page, point_rows, verdicts
from hedgebot.lab.compare import Point, Policy


def points() -> list[Point]:
    return [
        Point(
            policy=policy,
            scale=scale,
            underlying="BTC",
            tracking_error_usd=100.0 * scale,
            cost_usd_day=cost / scale,
            orders_day=10.0,
            efficiency=0.29,
        )
        for policy, cost in ((Policy.OURS, 50.0), (Policy.ZERO, 75.0))
        for scale in (1.0, 2.0)
    ]


def test_a_rival_is_told_by_what_it_costs_more() -> None:
    (line,) = verdicts(points())
    assert line == "BTC: fixed band to zero costs +50% against the configured policy at equal tracking error"


def test_a_rival_that_was_never_as_near_is_told_with_what_would_help() -> None:
    far = [msgspec.structs.replace(one, tracking_error_usd=1e6) for one in points() if one.policy == Policy.ZERO]
    (line,) = verdicts([*points()[:2], *far])
    assert line == (
        "BTC: no run of fixed band to zero had a tracking error that the configured policy had too, so their costs are "
        "not comparable; add --scale values that bring the two together"
    )


def test_without_the_configured_policy_there_is_nothing_to_hold_rivals_against() -> None:
    assert verdicts(points()[2:]) == []


def test_the_rows_have_units_in_their_head() -> None:
    head, first, *_ = point_rows(points())
    assert "cost USD/day" in head
    assert first == ("BTC", Policy.OURS, "1", "100", "50.00", "10", "0.290")


def test_the_page_draws_a_line_for_each_policy() -> None:
    text = compare_page(points(), "mine")
    assert text.count("<svg") == 1
    assert Policy.ZERO in text


def test_names_are_escaped() -> None:
    page = compare_page(points(), "<i>mine")
    assert "<i>" not in page
    assert "&lt;i&gt;mine" in page
