from platform_emulator.frozen_map import FrozenMap


def test_an_entry_more_leaves_the_first_map_as_it_was() -> None:
    first = FrozenMap({"a": 1})
    second = first.with_entry("b", 2)
    assert dict(first) == {"a": 1}
    assert dict(second) == {"a": 1, "b": 2}


def test_an_entry_under_a_known_key_takes_its_place() -> None:
    changed = FrozenMap({"a": 1, "b": 2}).with_entry("a", 3)
    assert list(changed.items()) == [("a", 3), ("b", 2)]
    assert len(changed) == 2


def test_maps_with_the_same_entries_are_equal_and_hash_alike_in_any_order() -> None:
    one, other = FrozenMap({"a": 1, "b": 2}), FrozenMap({"b": 2}).with_entry("a", 1)
    assert one == other
    assert len({one, other}) == 1


def test_maps_with_other_entries_or_of_another_type_are_not_equal() -> None:
    assert FrozenMap({"a": 1}) != FrozenMap({"a": 2})
    assert FrozenMap({"a": 1}) != {"a": 1}


def test_what_was_handed_in_may_change_afterwards() -> None:
    entries = {"a": 1}
    frozen = FrozenMap(entries)
    entries["a"] = 2
    assert frozen["a"] == 1
    assert repr(frozen) == "FrozenMap({'a': 1})"


def test_changes_are_the_entries_that_came_or_became_others() -> None:
    before = FrozenMap({"a": "1", "b": "2"})
    after = before.with_entry("b", "3").with_entry("c", "4").with_entry("a", before["a"])
    assert after.changes_since(before) == (("b", "3"), ("c", "4"))
    assert before.changes_since(before) == ()
