"""The token store of threads: one call of the provider for all, interrupts, and no token in a text."""

import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from platform_transports.clock import MonotonicClock
from platform_transports.tokens import Denied, Granted, SyncTokens
from platform_transports.virtual_time import VirtualSyncClock, VirtualTime
from tests.platform_transports.token_cases import ANSWERS, AWAY, LATE, LONG_SECONDS, NEW, OLD, SHARED, bearer, token

SYNC_CLOCK = MonotonicClock()


def soon_sync() -> float:
    return SYNC_CLOCK.now() + LONG_SECONDS


class SyncProvider:
    """The same for threads."""

    def __init__(self, *answers: str | BaseException) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def __call__(self) -> str:
        self.calls += 1
        self.asked.set()
        assert self.go_on.wait(LONG_SECONDS)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class CountingClock(MonotonicClock):
    """A clock that counts who waits in it."""

    def __init__(self) -> None:
        super().__init__()
        self.idling = 0
        self.idled = 0

    def run(self) -> AbstractContextManager[None]:
        return nullcontext()

    @contextmanager
    def idle(self) -> Generator[None]:
        self.idling += 1
        self.idled += 1
        yield
        self.idling -= 1


def at_once_sync(*answers: Any) -> Any:
    provider = SyncProvider(*answers)
    provider.go_on.set()
    return provider


@pytest.mark.parametrize(("answer", "denied"), ANSWERS)
def test_a_blocking_refresh_that_fails_keeps_the_token_and_can_be_tried_again(answer: Any, denied: Denied) -> None:
    tokens = SyncTokens(token(), at_once_sync(answer, NEW))
    assert tokens.refresh(1, soon_sync(), SYNC_CLOCK) == denied
    assert tokens.current() == (1, bearer(OLD))
    assert tokens.refresh(1, soon_sync(), SYNC_CLOCK) == Granted()
    assert tokens.current() == (2, bearer(NEW))


@contextmanager
def threads(count: int, target: Any) -> Generator[None]:
    running = [threading.Thread(target=target) for _ in range(count)]
    for thread in running:
        thread.start()
    yield
    for thread in running:
        thread.join(LONG_SECONDS)
        assert not thread.is_alive()


def wait_until(condition: Any) -> None:
    """Threads tell nobody that they block."""
    end = time.monotonic() + LONG_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def waiting(tokens: SyncTokens) -> int:
    call = vars(tokens)["_call"]
    return 0 if call is None else len(call.idle)


def test_without_a_provider_a_blocking_refresh_is_denied_for_good() -> None:
    assert SyncTokens(token()).refresh(1, soon_sync(), SYNC_CLOCK) == Denied("no token provider", permanent=True)


def test_without_a_token_the_blocking_provider_gives_the_first() -> None:
    tokens = SyncTokens(None, at_once_sync(NEW))
    assert tokens.refresh(None, soon_sync(), SYNC_CLOCK) == Granted()
    assert tokens.current() == (1, bearer(NEW))


def test_a_late_refusal_in_a_thread_gets_the_newer_token_without_a_call() -> None:
    provider = at_once_sync(NEW)
    tokens = SyncTokens(token(), provider)
    tokens.refresh(1, soon_sync(), SYNC_CLOCK)
    assert tokens.refresh(1, soon_sync(), SYNC_CLOCK) == Granted()
    assert (provider.calls, tokens.current()) == (1, (2, bearer(NEW)))


@pytest.mark.parametrize(("answer", "expected"), SHARED)
def test_ten_threads_that_wait_share_one_call(answer: Any, expected: Granted | Denied) -> None:
    provider = SyncProvider(answer)
    tokens = SyncTokens(token(), provider)
    answers: list[Granted | Denied] = []
    with threads(10, lambda: answers.append(tokens.refresh(1, soon_sync(), SYNC_CLOCK))):
        wait_until(lambda: waiting(tokens) == 9)
        provider.go_on.set()
    assert (answers, provider.calls) == ([expected] * 10, 1)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_where_the_first_thread_is_interrupted_another_calls(interruption: type[BaseException]) -> None:
    provider = SyncProvider(interruption(), NEW)
    tokens = SyncTokens(token(), provider)
    answers: list[Granted | Denied] = []
    interrupted: list[BaseException] = []

    def refresh() -> None:
        try:
            answers.append(tokens.refresh(1, soon_sync(), SYNC_CLOCK))
        except (KeyboardInterrupt, SystemExit) as error:
            interrupted.append(error)

    with threads(3, refresh):
        wait_until(lambda: waiting(tokens) == 2)
        provider.go_on.set()
    assert [type(each) for each in interrupted] == [interruption]
    assert (answers, provider.calls, tokens.current()) == ([Granted()] * 2, 2, (2, bearer(NEW)))


def test_an_interrupted_refresh_can_be_begun_again() -> None:
    tokens = SyncTokens(token(), at_once_sync(KeyboardInterrupt(), NEW))
    with pytest.raises(KeyboardInterrupt):
        tokens.refresh(1, soon_sync(), SYNC_CLOCK)
    assert tokens.refresh(1, soon_sync(), SYNC_CLOCK) == Granted()


def test_a_thread_waits_no_longer_than_its_deadline() -> None:
    provider = SyncProvider(NEW)
    tokens = SyncTokens(token(), provider)
    with threads(1, lambda: tokens.refresh(1, soon_sync(), SYNC_CLOCK)):
        assert provider.asked.wait(LONG_SECONDS)
        assert tokens.refresh(1, SYNC_CLOCK.now() + 0.01, SYNC_CLOCK) == LATE
        assert tokens.refresh(1, SYNC_CLOCK.now() - 1.0, SYNC_CLOCK) == LATE
        provider.go_on.set()
    assert tokens.current() == (2, bearer(NEW))


class Overtaken:
    """A lock whose takers are overtaken by others just before they get in, each in turn by one of these."""

    def __init__(self, lock: threading.Lock, *overtake: Callable[[], object]) -> None:
        self.lock = lock
        self.overtake = list(overtake)

    def __enter__(self) -> None:
        if self.overtake:
            self.overtake.pop(0)()
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def test_a_thread_that_was_overtaken_does_not_call_again() -> None:
    provider = at_once_sync(NEW)
    tokens = SyncTokens(token(), provider)
    attributes = vars(tokens)
    attributes["_lock"] = Overtaken(attributes["_lock"], lambda: tokens.refresh(1, soon_sync(), SYNC_CLOCK))
    assert tokens.refresh(1, soon_sync(), SYNC_CLOCK) == Granted()
    assert (provider.calls, tokens.current()) == (1, (2, bearer(NEW)))


def test_a_thread_does_not_wait_for_a_call_that_has_just_ended() -> None:
    provider = SyncProvider(NEW)
    tokens = SyncTokens(token(), provider)
    attributes = vars(tokens)
    first = threading.Thread(target=tokens.refresh, args=(1, soon_sync(), SYNC_CLOCK))
    first.start()
    assert provider.asked.wait(LONG_SECONDS)

    def end_the_call() -> None:
        provider.go_on.set()
        first.join(LONG_SECONDS)

    clock = CountingClock()
    attributes["_lock"] = Overtaken(attributes["_lock"], bool, end_the_call)
    assert tokens.refresh(1, soon_sync(), clock) == Granted()
    assert (provider.calls, clock.idled) == (1, 0)


def test_closing_denies_the_threads_that_wait() -> None:
    provider = SyncProvider(NEW)
    tokens = SyncTokens(token(), provider)
    answers: list[Granted | Denied] = []
    with threads(3, lambda: answers.append(tokens.refresh(1, soon_sync(), SYNC_CLOCK))):
        wait_until(lambda: waiting(tokens) == 2)
        tokens.close()
        tokens.close()
        wait_until(lambda: len(answers) == 2)
        provider.go_on.set()
    assert answers == [AWAY] * 3


def test_closing_a_store_of_threads_without_a_call_is_nothing() -> None:
    tokens = SyncTokens(token())
    tokens.close()
    assert tokens.refresh(None, soon_sync(), SYNC_CLOCK) == AWAY


def test_the_new_token_is_handed_to_a_plain_callable() -> None:
    handed: list[str] = []
    SyncTokens(token(), at_once_sync(NEW), handed.append).refresh(1, soon_sync(), SYNC_CLOCK)
    assert handed == [NEW]


def test_a_token_is_there_although_a_plain_callable_failed() -> None:
    def on_refresh(text: str) -> None:
        raise LookupError(text)

    tokens = SyncTokens(token(), at_once_sync(NEW), on_refresh)
    with pytest.warns(RuntimeWarning) as caught:
        assert tokens.refresh(1, soon_sync(), SYNC_CLOCK) == Granted()
    assert [str(each.message) for each in caught] == ["on_auth_token_refresh failed: LookupError"]
    assert tokens.current() == (2, bearer(NEW))


def test_virtual_time_stands_still_while_a_thread_calls_the_provider() -> None:
    clock = VirtualSyncClock(VirtualTime())
    provider = SyncProvider(NEW)
    tokens = SyncTokens(token(), provider)
    at: list[float] = []

    def run() -> None:
        with clock.run():
            assert tokens.refresh(1, 5.0, clock) == Granted()
            at.append(clock.now())
            clock.sleep_until(clock.now() + 1.0)

    with threads(3, run):
        wait_until(lambda: waiting(tokens) == 2)
        provider.go_on.set()
    assert (at, clock.now()) == ([0.0] * 3, 1.0)


def test_a_thread_that_gave_up_is_no_longer_counted_as_waiting() -> None:
    clock = CountingClock()
    provider = SyncProvider(NEW)
    tokens = SyncTokens(token(), provider)
    with threads(1, lambda: tokens.refresh(1, soon_sync(), clock)):
        assert provider.asked.wait(LONG_SECONDS)
        assert tokens.refresh(1, clock.now(), clock) == LATE
        assert (clock.idled, clock.idling) == (1, 0)
        provider.go_on.set()
    assert (clock.idled, clock.idling) == (1, 0)


def test_no_text_of_a_store_shows_a_token() -> None:
    provider = at_once_sync(NEW, RuntimeError(NEW))
    tokens = SyncTokens(token(), provider)
    tokens.refresh(1, soon_sync(), SYNC_CLOCK)
    denied = tokens.refresh(2, soon_sync(), SYNC_CLOCK)
    texts = f"{tokens!r}{tokens.current()!r}{denied!r}{vars(tokens)!r}{vars(vars(tokens)['_numbers'])!r}"
    assert OLD not in texts
    assert NEW not in texts


def test_an_interrupt_on_its_way_up_shows_no_token() -> None:
    tokens = SyncTokens(token(), at_once_sync(NEW, KeyboardInterrupt()))
    tokens.refresh(1, soon_sync(), SYNC_CLOCK)
    with pytest.raises(KeyboardInterrupt) as caught:
        tokens.refresh(2, soon_sync(), SYNC_CLOCK)
    text = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert OLD not in text
    assert NEW not in text


def test_a_process_that_was_forked_during_a_refresh_asks_the_provider_itself() -> None:
    program = """
import os, threading, time, warnings
from platform_core.tokens import Token
from platform_transports.clock import MonotonicClock
from platform_transports.tokens import Granted, SyncTokens
warnings.simplefilter("ignore", DeprecationWarning)  # that of a fork with threads, since Python 3.12
asked, go_on = threading.Event(), threading.Event()

def provider():
    if os.getpid() == parent:
        asked.set()
        go_on.wait()
    return "fresh"

parent = os.getpid()
tokens = SyncTokens(Token.checked("stale", "token"), provider)
refresh = lambda: tokens.refresh(1, time.monotonic() + 3600, MonotonicClock())
thread = threading.Thread(target=refresh)
thread.start()
asked.wait()
child = os.fork()
if child == 0:
    os._exit(0 if refresh() == Granted() else 1)
status = os.waitpid(child, 0)[1]
go_on.set()
thread.join()
print(os.waitstatus_to_exitcode(status), refresh() == Granted())
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr) == ("0 True\n", "")
