from benchmarks.core_cycle import Costs, costs


def test_each_of_the_three_costs_something() -> None:
    assert all(each > 0.0 for each in costs(200))


def test_the_share_of_the_core_leaves_the_json_out() -> None:
    assert Costs(poll=30.0, reading=10.0, h11_cycle=40.0).share == 0.5
