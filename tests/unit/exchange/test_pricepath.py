import numpy as np

from hedgebot.exchange.pricepath import SECONDS_PER_YEAR, STEPS_PER_BLOCK, SeededPath, all_paths_of, stream
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec


def path(name: str = "BTC", seed: int = 1, vol: float = 0.5, jumps_per_day: float = 0.0) -> SeededPath:
    spec = UnderlyingSpec(name=name, start_price=90_000.0, vol=vol, jumps_per_day=jumps_per_day, correlation=0.9)
    return SeededPath(spec, seed, 0.1)


def test_one_seed_one_path_and_another_seed_another() -> None:
    first, same, other = path(), path(), path(seed=2)
    for _ in range(3):
        one, two = first.next_block(), same.next_block()
        assert np.array_equal(one.index, two.index)
        assert np.array_equal(one.perp, two.perp)
    assert not np.array_equal(path().next_block().index, other.next_block().index)


def test_volatility_is_about_what_was_asked_for() -> None:
    source = path()
    blocks = [source.next_block() for _ in range(200)]
    index = np.concatenate([block.index for block in blocks])
    stress = np.concatenate([block.stress for block in blocks])
    returns = np.diff(np.log(index)) / stress[1:]
    annual = returns.std() * np.sqrt(SECONDS_PER_YEAR / 0.1)
    assert 0.48 < annual < 0.52
    assert {0.6, 1.0, 2.5} == set(np.unique(stress))


def test_underlyings_move_together() -> None:
    btc, eth = path("BTC"), path("ETH")
    pairs = [(btc.next_block(), eth.next_block()) for _ in range(20)]
    moves = [np.diff(np.log(np.concatenate([pair[side].index for pair in pairs]))) for side in (0, 1)]
    assert 0.7 < np.corrcoef(*moves)[0, 1] < 0.9  # 0.9 squared


def test_jumps_make_tails() -> None:
    def largest(jumps_per_day: float) -> float:
        source = path(jumps_per_day=jumps_per_day)
        moves = [np.abs(np.diff(np.log(source.next_block().index))).max() for _ in range(50)]
        return float(max(moves))

    assert largest(2_000.0) > 5 * largest(0.0)


def test_basis_stays_near_its_mean() -> None:
    source = path()
    blocks = [source.next_block() for _ in range(100)]
    basis_bps = np.concatenate([block.perp / block.index - 1.0 for block in blocks]) * 1e4
    assert -8 < basis_bps.mean() < 0
    assert np.abs(basis_bps + 4).max() < 40
    assert len(blocks[0].index) == STEPS_PER_BLOCK


def test_streams_are_apart() -> None:
    assert stream(1, "a").random() != stream(1, "b").random()
    assert stream(1, "a", "b").random() == stream(1, "a", "b").random()


def test_a_path_that_was_played_begins_again_with_its_first_step() -> None:
    one = path()
    first, second = one.next_block(), one.next_block()
    again = one.afresh()
    assert np.array_equal(again.next_block().perp, first.perp)
    assert np.array_equal(again.next_block().perp, second.perp)


def test_what_is_given_is_played_from_its_beginning_whoever_played_it_before() -> None:
    given = path()
    first = given.next_block()
    scenario = Scenario(name="one", underlyings=(given._spec,), accounts=())
    made = [all_paths_of(scenario, {"BTC": given}, 0.1)["BTC"] for _ in range(2)]
    assert all(np.array_equal(one.next_block().index, first.index) for one in made)
