"""What looks random and is not."""

import hashlib
from typing import Any
from uuid import UUID

import pytest

from platform_core.derive import derived_uuid, idempotency_key, request_id, unit_random
from tests.support.core import OTHER_SEED, SEED

COUNT = 2000


def test_the_same_arguments_give_the_same_uuid_for_ever() -> None:
    # Written down, since another value would be another idempotency key for a stored run.
    assert idempotency_key(UUID(int=0)) == UUID("734a53bc-8dc1-5247-89de-c62e1ad9359b")
    assert request_id(UUID(int=0), 1) == "40d6c9c3-9c6f-5e08-b9db-370228f252c9"


def test_the_same_arguments_give_the_same_number_for_ever() -> None:
    assert unit_random(UUID(int=0), "pause", 1) == 0.3470288086785025


def test_a_request_id_is_the_text_of_the_uuid_of_its_purpose() -> None:
    for number in range(COUNT):
        assert request_id(SEED, number) == str(derived_uuid(SEED, "request", number))


def test_requests_have_ids_where_sha_1_is_forbidden_for_security(monkeypatch: pytest.MonkeyPatch) -> None:
    sha1, expected = hashlib.sha1, request_id(SEED, 1)

    def in_fips_mode(data: bytes, *, usedforsecurity: bool = True) -> Any:
        if usedforsecurity:
            message = "[digital envelope routines] unsupported"
            raise ValueError(message)
        return sha1(data, usedforsecurity=False)

    monkeypatch.setattr(hashlib, "sha1", in_fips_mode)
    assert request_id(SEED, 1) == expected


def test_the_key_is_the_one_of_its_purpose() -> None:
    assert idempotency_key(SEED) == derived_uuid(SEED, "idempotency-key")


def test_seed_purpose_and_counter_each_make_another_uuid() -> None:
    made = [derived_uuid(seed, purpose, counter) for seed in (SEED, OTHER_SEED) for purpose in ("a", "b") for counter in range(10)]
    assert len(set(made)) == len(made)


def test_seed_purpose_and_counter_each_make_another_number() -> None:
    made = [unit_random(seed, purpose, counter) for seed in (SEED, OTHER_SEED) for purpose in ("a", "b") for counter in range(10)]
    assert len(set(made)) == len(made)


def test_numbers_are_evenly_spread_from_0_to_below_1() -> None:
    made = [unit_random(SEED, "pause", counter) for counter in range(COUNT)]
    assert min(made) >= 0.0
    assert max(made) < 1.0
    tenths = [sum(1 for each in made if int(each * 10) == tenth) for tenth in range(10)]
    assert all(COUNT / 10 * 0.75 < tenth < COUNT / 10 * 1.25 for tenth in tenths)


@pytest.mark.parametrize("counter", [0, 1, 10**30])
def test_a_counter_may_be_any_whole_number(counter: int) -> None:
    assert 0.0 <= unit_random(SEED, "pause", counter) < 1.0
