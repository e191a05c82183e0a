"""Every error class as a client's user meets it, in all three worlds; and no token in anything that can be printed or stored."""

import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from flow_sdk import Journal, PlatformClient, RetryPolicy
from flow_sdk.platform_client import (
    PlatformAuthenticationError,
    PlatformClientError,
    PlatformConnectionError,
    PlatformExecutionCancelledError,
    PlatformExecutionError,
    PlatformExecutionTimeoutError,
    PlatformJournalError,
    PlatformNotFoundError,
    PlatformPermissionError,
    PlatformResponseError,
    PlatformSubmissionUnknownError,
    PlatformTimeoutError,
)
from platform_core.execution import Ready
from platform_core.machine import Decision
from platform_core.messages import Headers, Response
from platform_emulator import Emulator
from platform_transports.fake import Answer, FakePlatform, Lose, json_response
from tests.support.platform import ECHO, FAIL, SLEEP, executions, modelled
from tests.support.worlds import Scenario, World

TOKEN = "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl"
SECRET = "c2VjcmV0"
"""The middle of it, which no text may show."""


async def orgs(client: PlatformClient) -> None:
    await client.request("GET", "/api/v1/tenants/orgs")


async def echo(client: PlatformClient) -> None:
    await client.execute_code_block(ECHO, {"a": 1})


async def submit(client: PlatformClient) -> None:
    await client.submit_code_block_execution(ECHO, {"a": 1})


async def fail(client: PlatformClient) -> None:
    await client.execute_code_block(FAIL, {"message": "it broke"})


async def outlast_the_platform(client: PlatformClient) -> None:
    await client.execute_code_block(SLEEP, {"seconds": 100}, timeout_seconds=5)


async def watch_for_too_short(client: PlatformClient) -> None:
    record = await client.submit_code_block_execution(SLEEP, {"seconds": 100})
    await client.await_execution_result(record["execution_id"], 10)


async def be_cancelled(client: PlatformClient) -> None:
    record = await client.submit_code_block_execution(SLEEP, {"seconds": 100})
    await client.cancel_execution(record["execution_id"])
    await client.await_execution_result(record["execution_id"])


def status(number: int) -> Callable[[], FakePlatform]:
    """Every answer has this status; and repeats our token, as careless servers do."""
    body = {"code": "SOME_CODE", "message": f"refused: Bearer {TOKEN}", "details": [{"field": "name"}]}
    return lambda: FakePlatform(lambda _: json_response(number, body, {"X-Request-ID": "theirs"}))


class Full(Journal):
    """Takes the first decision of a run, and no other."""

    def __call__(self, decision: Decision) -> None:
        if not isinstance(decision.before, Ready):
            raise PlatformJournalError("the journal could not be written: No space left on device")


class Met(NamedTuple):
    error: type[PlatformClientError]
    scenario: Scenario[None]
    platform: Callable[[], FakePlatform]
    status_code: int | None
    text: str
    arguments: Mapping[str, Any] = MappingProxyType({})


MET = {
    "401": Met(PlatformAuthenticationError, orgs, status(401), 401, "401 SOME_CODE: refused"),
    "403": Met(PlatformPermissionError, orgs, status(403), 403, "403 SOME_CODE: refused"),
    "404": Met(PlatformNotFoundError, orgs, status(404), 404, "404 SOME_CODE: refused"),
    "500": Met(PlatformExecutionError, orgs, status(500), 500, "500 SOME_CODE: refused"),
    "418": Met(PlatformClientError, orgs, status(418), 418, "418 SOME_CODE: refused"),
    "503 to the end": Met(PlatformClientError, orgs, status(503), 503, "503 SOME_CODE: refused"),
    "403 to a submission": Met(PlatformPermissionError, submit, status(403), 403, "403 SOME_CODE: refused"),
    "a redirect": Met(
        PlatformClientError,
        orgs,
        lambda: FakePlatform([Response(302, Headers((("Location", "https://login.example/"),)))]),
        302,
        "login.example",
    ),
    "an execution that failed": Met(PlatformExecutionError, fail, modelled, None, "it broke"),
    "an execution that timed out": Met(PlatformExecutionTimeoutError, outlast_the_platform, modelled, None, "did not end within 5 s"),
    "an execution that was cancelled": Met(PlatformExecutionCancelledError, be_cancelled, modelled, None, "cancelled on request"),
    "our own deadline": Met(PlatformTimeoutError, watch_for_too_short, modelled, None, "10 s"),
    "a request that lasts": Met(
        PlatformTimeoutError, orgs, lambda: FakePlatform(lambda _: Answer(Response(200), after_seconds=1e6)), None, "no whole answer"
    ),
    "no connection": Met(PlatformConnectionError, orgs, lambda: FakePlatform(lambda _: Lose(kind="connect")), None, "connect"),
    "a bad certificate": Met(PlatformConnectionError, orgs, lambda: FakePlatform([Lose(kind="tls")]), None, "certificate"),
    "a submission that is lost for good": Met(PlatformSubmissionUnknownError, submit, lambda: FakePlatform(lambda _: Lose()), None, "may"),
    "an execution lost before it began": Met(PlatformSubmissionUnknownError, echo, lambda: FakePlatform(lambda _: Lose()), None, "may"),
    "no JSON": Met(
        PlatformResponseError,
        orgs,
        lambda: FakePlatform([Response(200, Headers((("Content-Type", "application/json"),)), b"<html>")]),
        200,
        "JSON",
    ),
    "no id": Met(PlatformResponseError, submit, lambda: FakePlatform([json_response(202, {"status": "pending"})]), 202, "execution_id"),
    "a journal that is full": Met(PlatformJournalError, echo, modelled, None, "No space left", {"journal": Full("not opened")}),
}
"""Each error class at least once, with what its text says."""


def met(world: World, case: Met, **arguments: Any) -> PlatformClientError:
    with pytest.raises(PlatformClientError) as caught:
        world.run(case.scenario, transport=case.platform(), auth_token=TOKEN, **case.arguments, **arguments)
    return caught.value


def texts(error: BaseException) -> str:
    """All that a log, a crash report or a pickle may hold of an error."""
    parts = [str(error), repr(error), *traceback.format_exception(error)]
    if isinstance(error, PlatformClientError):
        parts += [json.dumps(error.to_dict()), repr(pickle.dumps(error)), repr(vars(error))]
        parts += [] if error.handle is None else [error.handle.to_json(), repr(error.handle)]
    return "\n".join(parts)


@pytest.mark.parametrize("name", MET)
class TestMet:
    def test_it_has_the_class_the_status_and_the_text(self, world: World, name: str) -> None:
        case = MET[name]
        error = met(world, case)
        assert type(error) is case.error
        assert error.status_code == case.status_code
        assert case.text in str(error)
        assert error.attempts >= 1

    def test_it_survives_a_pickle_with_all_that_it_says(self, world: World, name: str) -> None:
        error = met(world, MET[name])
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.to_dict(), str(again), again.handle) == (error.to_dict(), str(error), error.handle)

    def test_no_text_shows_the_token(self, world: World, name: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        assert SECRET not in texts(met(world, MET[name]))
        assert SECRET not in caplog.text

    def test_nothing_of_a_transport_is_in_its_chain(self, world: World, name: str) -> None:
        error = met(world, MET[name])
        assert error.__cause__ is None
        assert error.__context__ is None


def test_every_error_class_is_met() -> None:
    classes, below = {PlatformClientError}, [PlatformClientError]
    while below:
        children = below.pop().__subclasses__()
        classes.update(children)
        below.extend(children)
    assert {case.error for case in MET.values()} == classes


class TestWhatErrorsCarry:
    def test_the_call_and_the_platforms_words(self, world: World) -> None:
        error = met(world, MET["403"])
        assert (error.method, error.path) == ("GET", "/api/v1/tenants/orgs")
        assert (error.code, error.details) == ("SOME_CODE", [{"field": "name"}])
        assert error.message.startswith("refused: ")
        assert error.body.startswith(b'{"code": "SOME_CODE"')
        assert error.request_id is not None

    def test_the_pause_that_was_asked_for(self, world: World) -> None:
        case = Met(PlatformClientError, orgs, lambda: FakePlatform(lambda _: json_response(429, {}, {"Retry-After": "7200"})), 429, "")
        assert met(world, case).retry_after == 7200

    def test_the_record_of_a_failed_execution(self, world: World) -> None:
        error = met(world, MET["an execution that failed"])
        assert isinstance(error, PlatformExecutionError)
        assert error.execution is not None
        assert error.execution["status"] == "failed"
        assert error.handle is not None
        assert error.handle.execution_id == error.execution["execution_id"]

    def test_the_handle_of_an_execution_that_outlasted_our_deadline(self, world: World) -> None:
        platform = modelled()
        error = met(world, MET["our own deadline"]._replace(platform=lambda: platform))
        assert isinstance(error, TimeoutError)
        assert error.handle is not None
        (execution,) = executions(platform)
        assert (error.handle.execution_id, execution.status) == (execution.execution_id, "running"), "watching never cancels"

    def test_the_handle_of_a_lost_submission_has_its_key_and_body(self, world: World) -> None:
        platform = FakePlatform(lambda _: Lose())
        error = met(world, MET["a submission that is lost for good"]._replace(platform=lambda: platform))
        assert isinstance(error, ConnectionError)
        assert error.handle is not None
        assert error.handle.submission is not None
        assert str(error.handle.submission.key) == platform.requests[0].headers.get("Idempotency-Key")
        assert error.handle.submission.body == platform.requests[0].body.content
        assert error.sent == "maybe"

    def test_whether_the_platform_may_have_seen_it(self, world: World) -> None:
        assert met(world, MET["no connection"]).sent == "no"

    def test_a_passed_deadline_of_our_own_cancels_the_execution(self, world: World) -> None:
        platform = modelled()

        async def scenario(client: PlatformClient) -> None:
            await client.execute_code_block(SLEEP, {"seconds": 5000})

        error = met(world, Met(PlatformTimeoutError, scenario, lambda: platform, None, ""))
        assert type(error) is PlatformTimeoutError
        assert 3600 <= platform.now <= 3606
        assert [execution.status for execution in executions(platform)] == ["cancelled"]


class TestTokenProviders:
    @pytest.mark.parametrize(
        ("raised", "name"), [(KeyError(TOKEN), "KeyError"), (OSError(TOKEN), "OSError"), (ValueError(TOKEN), "ValueError")]
    )
    def test_what_a_provider_raises_is_named_but_not_quoted(self, world: World, raised: Exception, name: str) -> None:
        def provider() -> str:
            raise raised

        error = met(world, MET["401"], token_provider=provider)
        assert type(error) is PlatformAuthenticationError
        assert name in str(error)
        assert SECRET not in texts(error)

    @pytest.mark.parametrize("value", [f"{TOKEN}\n", "", f"“{TOKEN}”", 7, None])
    def test_a_provider_that_answers_with_no_token_is_not_quoted_either(self, world: World, value: Any) -> None:
        error = met(world, MET["401"], token_provider=lambda: value)
        assert type(error) is PlatformAuthenticationError
        assert SECRET not in texts(error)

    def test_an_error_of_the_refresh_callback_is_a_warning_without_its_text(self, world: World) -> None:
        def told(token: str) -> None:
            raise ValueError(token)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            world.run(orgs, transport=modelled(), auth_token=None, token_provider=lambda: TOKEN, on_auth_token_refresh=told)
        assert [SECRET in str(each.message) for each in caught if "on_auth_token_refresh" in str(each.message)] == [False]


class TestObservers:
    def test_no_decision_shows_the_token(self, world: World) -> None:
        heard: list[str] = []

        def observer(decision: Any) -> None:
            heard.append(repr(decision))

        world.run(echo, transport=modelled(), auth_token=TOKEN, observers=[observer])
        assert heard
        assert not any(SECRET in each for each in heard)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as platform:
        yield platform


class TestOverHttp:
    @pytest.mark.parametrize("faults", [(), ({"kind": "status", "status": 403},), ({"kind": "drop_before"},)])
    def test_no_log_record_and_no_error_shows_the_token(
        self, world: World, emulator: Emulator, faults: tuple[dict[str, Any], ...], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        token = emulator.new_token()
        for fault in faults:
            emulator.inject(fault)

        async def scenario(client: PlatformClient) -> None:
            if faults:
                with pytest.raises(PlatformClientError) as caught:
                    await orgs(client)
                assert token.split(".")[1] not in texts(caught.value)
            else:
                await orgs(client)

        world.run(scenario, base_url=emulator.url, auth_token=token, retry=RetryPolicy(attempts_max=1))
        assert token not in caplog.text
        assert token.split(".")[2] not in caplog.text
