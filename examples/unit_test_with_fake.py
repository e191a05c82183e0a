"""Unit tests of your own code, without a network and without waiting: the fake platform answers, in virtual time.

python -m pytest examples/unit_test_with_fake.py
"""

from uuid import UUID

import pytest

from flow_sdk import SyncPlatformClient
from flow_sdk.platform_client import PlatformExecutionError
from platform_emulator.components import COMPONENTS
from platform_emulator.model import Model
from platform_transports.fake import FakePlatform, Lose, json_response

IDS = {each.name: each.component_id for each in COMPONENTS}


def summarize(client: SyncPlatformClient, text: str) -> str:
    """The code under test: yours."""
    record = client.execute_code_block(IDS["echo"], {"text": text})
    return str(record["result"]["text"]).upper()


def client_of(platform: FakePlatform) -> SyncPlatformClient:
    """A client of the fake: it needs no address, and no token that is one."""
    return SyncPlatformClient("https://platform.test", "a-token", transport=platform, env={})


def test_it_takes_the_platforms_result() -> None:
    platform = FakePlatform(model=Model.new(UUID(int=1)))
    assert summarize(client_of(platform), "hello") == "HELLO"


def test_a_lost_answer_is_asked_for_again_and_starts_nothing_twice() -> None:
    platform = FakePlatform([Lose(effect=True)], model=Model.new(UUID(int=1)))
    assert summarize(client_of(platform), "hello") == "HELLO"
    keys = {request.headers.get("Idempotency-Key") for request in platform.requests if request.method == "POST"}
    assert len(keys) == 1


def test_half_an_hour_passes_at_once() -> None:
    platform, seconds = FakePlatform(model=Model.new(UUID(int=1))), 1800
    assert client_of(platform).execute_code_block(IDS["sleep"], {"seconds": seconds})["status"] == "completed"
    assert platform.now >= seconds


def test_an_answer_may_be_scripted() -> None:
    failed = {"execution_id": "e1", "status": "failed", "error": {"code": "OUT_OF_MEMORY", "message": "too large"}}
    platform = FakePlatform([json_response(202, failed)])
    with pytest.raises(PlatformExecutionError, match="too large"):
        summarize(client_of(platform), "hello")
