"""The fake platform: its acts in order, its delays and limits on virtual time, and mistakes of a script that are told at once."""

from typing import Any

import anyio
import pytest

from platform_core.errors import PlatformTimeoutError
from platform_core.limits import DEFAULT_LIMITS, Limits
from platform_core.messages import External, Headers, Inline, OutgoingRequest, Request, Response
from platform_core.outcomes import FailureCause
from platform_transports.contract import (
    AsyncTransport,
    BringsClock,
    BringsSyncClock,
    Credentials,
    Progress,
    SyncTransport,
    TransportError,
    TwoWorlds,
)
from platform_transports.fake import NEVER_SENT, Act, Answer, FakePlatform, Forward, Lose, Script, json_response
from tests.support.driven import SECRET, drive, drive_sync, executions, get, platform, sleeping

CREDENTIALS = Credentials("Authorization", f"Bearer {SECRET}")
REQUEST = OutgoingRequest("GET", "https://platform.test/api/v1/things?a=1", Headers((("X-Request-ID", "r1"),)), Inline(b""))
SUBMISSION = OutgoingRequest(
    "POST",
    "https://platform.test/api/v1/code-blocks/c0de0000-0000-4000-8000-000000000001/executions",
    Headers((("Content-Type", "application/json"),)),
    Inline(b"{}"),
)
OK = json_response(200, {"ok": True})


class Answered:
    """What a sender heard, how far the send had come, and when it was over."""

    def __init__(
        self, fake: FakePlatform, request: OutgoingRequest = REQUEST, deadline: float = 30.0, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self.progress = Progress()
        self.heard: Response | None = None
        self.error: TransportError | None = None
        try:
            self.heard = fake.synchronous().send(request, CREDENTIALS, deadline, limits, self.progress)
        except TransportError as error:
            self.error = error
        self.at = fake.now

    @property
    def failure(self) -> tuple[FailureCause, str, bool]:
        assert self.error is not None
        return self.error.kind, self.error.sent, self.error.reused


def test_it_is_a_transport_of_either_kind_that_brings_its_clock() -> None:
    fake = FakePlatform()
    transport: AsyncTransport = fake.asynchronous()
    blocking: SyncTransport = fake.synchronous()
    assert isinstance(fake, TwoWorlds)
    assert isinstance(transport, BringsClock)
    assert isinstance(blocking, BringsSyncClock)
    assert transport.name == blocking.name == "fake"


def test_acts_are_taken_in_order() -> None:
    fake = FakePlatform((OK, Answer(Response(500), 2.0), Lose()))
    assert Answered(fake).heard == OK
    assert Answered(fake).heard == Response(500)
    assert fake.now == 2.0
    assert Answered(fake).failure == (FailureCause.DISCONNECTED, "maybe", False)


def test_a_script_may_be_a_function_of_the_request() -> None:
    seen: list[Request] = []

    def script(request: Request) -> Response:
        seen.append(request)
        return OK

    assert Answered(FakePlatform(script)).heard == OK
    assert seen == [Request("GET", "/api/v1/things?a=1", REQUEST.headers, Inline(b""))]


def no_act(_request: Request) -> None:
    pass


@pytest.mark.parametrize("script", [(), (None,), (Forward(),), no_act], ids=["end", "none", "forward", "function"])
def test_the_model_answers_where_the_script_does_not(script: Script) -> None:
    fake = platform(script)
    heard = Answered(fake, SUBMISSION).heard
    assert heard is not None
    assert heard.status == 202
    assert len(executions(fake)) == 1


@pytest.mark.parametrize("script", [(), (Forward(),), (None,), (Lose(effect=True),)], ids=["end", "forward", "none", "lose"])
def test_where_nobody_answers_the_error_names_the_request(script: Script) -> None:
    with pytest.raises(LookupError, match=r"no act for request 1, GET /api/v1/things\?a=1, and there is no model"):
        Answered(FakePlatform(script))


def test_what_is_said_to_come_next_comes_before_the_script_goes_on() -> None:
    fake = FakePlatform((OK,))
    fake.then(Response(503), Lose())
    fake.then(Response(502))
    assert Answered(fake).heard == Response(503)
    assert Answered(fake).failure == (FailureCause.DISCONNECTED, "maybe", False)
    assert [Answered(fake).heard, Answered(fake).heard] == [Response(502), OK]


def test_what_the_contract_refuses_is_answered_before_the_script_and_it_sees_no_secret() -> None:
    seen: list[Request] = []

    def contract(request: Request) -> Response | None:
        seen.append(request)
        return Response(400) if len(seen) == 1 else None

    fake = FakePlatform((OK,), contract=contract)
    assert [Answered(fake).heard, Answered(fake).heard] == [Response(400), OK]
    assert {request.headers.get("Authorization") for request in seen} == {"Bearer ***"}
    assert len(fake.requests) == 2


@pytest.mark.parametrize("act", [{"status": 200}, 200, "200"])
def test_what_is_no_act_is_refused(act: Any) -> None:
    with pytest.raises(TypeError, match="a script is made of Answer, Forward, Lose, Trickle, Response and None, not"):
        Answered(FakePlatform((act,)))


@pytest.mark.parametrize(("effect", "started"), [(False, 0), (True, 1)])
def test_what_is_lost_has_an_effect_or_none(effect: bool, started: int) -> None:
    fake = platform((Lose(effect=effect, kind="read", reused=True),))
    assert Answered(fake, SUBMISSION).failure == (FailureCause.READ, "maybe", True)
    assert len(executions(fake)) == started


@pytest.mark.parametrize("cause", FailureCause)
def test_what_never_had_a_connection_was_never_sent(cause: FailureCause) -> None:
    answered = Answered(FakePlatform((Lose(kind=cause),)))
    sent = "no" if cause in NEVER_SENT else "maybe"
    assert answered.failure == (cause, sent, False)
    assert answered.progress.sent == sent


@pytest.mark.parametrize("act", [Answer(OK, 4.0), Lose(after_seconds=4.0), Lose(kind="connect", after_seconds=4.0)])
def test_an_answer_takes_its_time(act: Act) -> None:
    assert Answered(FakePlatform((act,))).at == 4.0


def test_an_answer_at_the_deadline_is_heard() -> None:
    assert Answered(FakePlatform((Answer(OK, 30.0),))).heard == OK


@pytest.mark.parametrize(
    ("act", "sent"),
    [(Answer(OK, 30.1), "maybe"), (Lose(after_seconds=31.0), "maybe"), (Lose(kind="connect", after_seconds=31.0), "no")],
)
def test_an_answer_after_the_deadline_is_a_timeout_at_the_deadline(act: Act, sent: str) -> None:
    answered = Answered(FakePlatform((act,)))
    assert answered.failure == (FailureCause.TIMEOUT, sent, False)
    assert answered.at == 30.0


def test_what_comes_too_late_has_had_its_effect() -> None:
    fake = platform((Forward(31.0),))
    assert Answered(fake, SUBMISSION).failure[0] is FailureCause.TIMEOUT
    assert executions(fake)[0].created_at == 0.0


def test_nothing_is_sent_at_or_after_the_deadline() -> None:
    fake = FakePlatform((OK,))
    assert Answered(fake, deadline=0.0).failure == (FailureCause.TIMEOUT, "no", False)
    assert not fake.requests


@pytest.mark.parametrize(
    ("response", "limits", "accepted"),
    [
        (Response(200, body=b"12345"), Limits(response_body_bytes_max=5), True),
        (Response(200, body=b"12345"), Limits(response_body_bytes_max=4), False),
        (Response(200, Headers((("A", "1"), ("B", "2")))), Limits(headers_count_max=2), True),
        (Response(200, Headers((("A", "1"), ("B", "2")))), Limits(headers_count_max=1), False),
        (Response(200, Headers((("A", "1"),))), Limits(header_bytes_max=23), True),
        (Response(200, Headers((("A", "1"),))), Limits(header_bytes_max=22), False),
    ],
)
def test_an_answer_over_the_limits_is_refused(response: Response, limits: Limits, accepted: bool) -> None:
    answered = Answered(FakePlatform((response,)), limits=limits)
    if accepted:
        assert answered.heard == response
    else:
        assert answered.failure == (FailureCause.TOO_LARGE, "maybe", False)


@pytest.mark.parametrize("act", [Answer, Forward, Lose])
@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_delay_is_a_number_of_seconds(act: Any, seconds: float) -> None:
    options = {"response": OK} if act is Answer else {}
    with pytest.raises(ValueError, match="after_seconds must be a finite number, not negative"):
        act(after_seconds=seconds, **options)


def test_a_kind_of_loss_is_one_that_a_transport_can_have() -> None:
    with pytest.raises(ValueError, match=r"kind must be one of dns, connect, .*, not 'gone'"):
        Lose(kind="gone")
    with pytest.raises(ValueError, match=r"a request without a connection \(kind 'connect'\) has no effect"):
        Lose(effect=True, kind="connect")


def test_the_token_is_kept_nowhere() -> None:
    fake = FakePlatform((OK, OK))
    Answered(fake)
    drive_sync(get(), fake)
    assert fake.credentials == ["Authorization", "Authorization"]
    assert SECRET not in repr([vars(fake), fake.requests, vars(fake.synchronous())])
    assert all(SECRET not in value for request in fake.requests for _, value in request.headers)


def test_requests_are_kept_as_they_were_sent() -> None:
    fake = FakePlatform((Lose(kind="connect"), OK))
    Answered(fake)
    Answered(fake)
    assert fake.requests == [REQUEST, REQUEST]


def test_a_transport_that_is_closed_sends_nothing() -> None:
    fake = FakePlatform((OK,))
    transport = fake.synchronous()
    transport.close()
    transport.close()
    with pytest.raises(TransportError) as raised:
        transport.send(REQUEST, CREDENTIALS, 30.0, Limits(), Progress())
    assert (raised.value.kind, raised.value.sent) == (FailureCause.CLOSED, "no")
    assert Answered(fake).heard == OK  # another transport of the same platform is open


def test_a_transport_that_is_closed_while_it_waits_fails() -> None:
    def script(_request: Request) -> Answer:
        transport.close()
        return Answer(OK, 3.0)

    fake = FakePlatform(script)
    transport = fake.synchronous()
    with pytest.raises(TransportError) as raised:
        transport.send(REQUEST, CREDENTIALS, 30.0, Limits(), Progress())
    assert (raised.value.kind, raised.value.sent) == (FailureCause.CLOSED, "maybe")


async def test_an_async_transport_that_is_closed_while_it_waits_fails() -> None:
    fake = FakePlatform((Answer(OK, 3.0),))
    transport = fake.asynchronous()

    async def close() -> None:
        with transport.clock.run():
            await transport.clock.sleep_until(1.0)
            await transport.aclose()

    async with anyio.create_task_group() as group:
        group.start_soon(close)
        with transport.clock.run(), pytest.raises(TransportError, match=r"closed \(sent: maybe\)"):
            await transport.send(REQUEST, CREDENTIALS, 30.0, Limits(), Progress())


async def test_the_async_transport_does_as_the_blocking_one() -> None:
    fake = platform((Answer(OK, 4.0), Lose(effect=True)))
    assert await drive(get(), fake) == {"ok": True}
    assert fake.now == 4.0
    assert (await drive(sleeping(2.0), fake))["status"] == "completed"
    assert len(executions(fake)) == 1


async def test_minutes_pass_at_once() -> None:
    fake = platform()
    with pytest.raises(PlatformTimeoutError):
        await drive(sleeping(100_000.0), fake)
    assert 3600.0 <= fake.now < 3606.0


def test_json_response_is_what_it_says() -> None:
    response = json_response(202, {"a": [1, None]}, {"Retry-After": "3"})
    assert response.status == 202
    assert response.body == b'{"a": [1, null]}'
    assert response.headers.get("content-type") == "application/json"
    assert response.headers.get("retry-after") == "3"


def test_a_script_may_look_at_the_platform_and_at_the_time() -> None:
    seen: list[tuple[float, int]] = []

    def script(_request: Request) -> None:
        seen.append((fake.now, len(fake.requests)))
        fake.receive(SUBMISSION, CREDENTIALS, Progress()) if len(seen) == 1 else None

    fake = platform(script)
    drive_sync(sleeping(0.1), fake)
    assert seen[0] == (0.0, 1)
    assert seen[1] == (0.0, 2)


def test_a_request_whose_body_is_not_in_it_is_not_sent() -> None:
    platform = FakePlatform()
    upload = OutgoingRequest("PUT", "https://platform.test/api/v1/things", Headers(), External(3, replayable=True))
    with pytest.raises(TypeError, match=r"^this body is external"):
        platform.synchronous().send(upload, CREDENTIALS, 1.0, Limits(), Progress())
    assert platform.requests == []
