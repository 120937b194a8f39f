import numpy as np

from hedgebot.console.charts import (
    POINTS_MAX,
    cost_chart,
    delta_chart,
    frontier_chart,
    profit_chart,
    split_chart,
    thinned,
)


def test_a_long_column_is_thinned_and_keeps_its_ends() -> None:
    long = np.arange(10 * POINTS_MAX, dtype=np.float64)
    (short,) = thinned(long)
    assert len(short) <= POINTS_MAX
    assert (short[0], short[-1]) == (0.0, long[-1])
    (same,) = thinned(long[:5])
    assert len(same) == 5


def test_plots_are_pieces_of_svg_with_readable_text() -> None:
    days = np.linspace(0.0, 1.0, 50)
    edge = np.full(50, 0.1)
    delta = np.sin(20 * days) * 0.1
    charts = [
        delta_chart("BTC", days, 100.0 + days, delta, delta * 3, -edge, edge),
        cost_chart("BTC", days, days * 5, days),
        split_chart("BTC", [("fees", 1234.5), ("funding", -2.0)]),
        profit_chart([("delta", 5.0), ("fees", -2.0)]),
        frontier_chart([("ours", [(1.0, 2.0), (2.0, 1.0)]), ("to zero", [(1.0, 3.0)])]),
    ]
    for svg, word in zip(charts, ("without hedges", "trading and funding", "1,234.50", "+3", "to zero"), strict=True):
        assert svg.startswith("<svg")
        assert svg.rstrip().endswith("</svg>")
        assert word in svg


def test_equal_input_gives_equal_bytes() -> None:
    assert profit_chart([("delta", 5.0)]) == profit_chart([("delta", 5.0)])


def test_a_sweep_over_orders_of_magnitude_has_logarithmic_axes_and_its_own_words() -> None:
    sweep = [("ours", [(1.0, 100.0), (10.0, 10.0), (100.0, 1.0)])]
    text = frontier_chart(sweep, title="calls", error="error, %", cost="cost, %", logarithmic=True)
    assert all(word in text for word in ("calls", "error, %", "cost, %", ">100<", ">10<"))
    assert text != frontier_chart(sweep, title="calls", error="error, %", cost="cost, %")
