"""The catalogue: every fault once, with a weight, a layer and a place."""

from hedgebot.lab.catalogue import BY_FAULT, FAULTS, Layer


def test_every_fault_is_there_once() -> None:
    assert len(BY_FAULT) == len(FAULTS) == 61
    assert {one.weight for one in FAULTS} == {1, 2, 3}
    assert len({one.title for one in FAULTS}) == 61


def test_where_a_fault_is_played_follows_from_its_layer_unless_it_is_said() -> None:
    assert (BY_FAULT["N06"].in_world, BY_FAULT["N06"].outside) == (True, False)
    assert (BY_FAULT["N05"].in_world, BY_FAULT["N05"].outside) == (True, True), "on the wire too"
    assert (BY_FAULT["N02"].in_world, BY_FAULT["N02"].outside) == (True, True), "scaled down in the world"
    assert (BY_FAULT["S03"].in_world, BY_FAULT["S03"].outside) == (False, True)
    assert (BY_FAULT["M10"].layers, BY_FAULT["M10"].in_world) == ((Layer.WORLD,), False)
    assert BY_FAULT["M10"].test_prefix == "test_m10_"
