from hedgebot.config.canonical import changes, digest, flatten


def test_the_hash_follows_values_and_not_their_order() -> None:
    assert digest({"a": 1.0, "b": {"c": "x"}}) == digest({"b": {"c": "x"}, "a": 1.0})
    assert digest({"a": 1.0}) != digest({"a": 1.5})
    assert len(digest({})) == 16


def test_changes_name_key_and_both_values() -> None:
    old = {"book": {"name": "a"}, "x": {"band": 0.25, "gone": 1}}
    new = {"book": {"name": "a"}, "x": {"band": 0.5, "new": [1, 2]}}
    assert changes(old, new) == ["x.band: 0.25 -> 0.5", "x.gone: 1 -> (none)", "x.new: (none) -> [1,2]"]
    assert changes(old, old) == []


def test_flat_keys_are_dotted() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": [2]}) == {"a.b.c": 1, "d": [2]}
