"""What a simulated run is made of in every world: the platform, its tokens, the arguments of the client, and what is seen of each call."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from platform_core.actions import Done, Send, Sleep
from platform_core.config import Settings
from platform_core.derive import derived_uuid, idempotency_key
from platform_core.exchange import REQUEST_ID
from platform_core.handles import ExecutionHandle
from platform_core.job import EXECUTION_REQUEST_SECONDS_MAX
from platform_core.machine import Decision
from platform_core.messages import OutgoingRequest, Request
from platform_core.requests import submission
from platform_core.retry import RetryBudget, RetryPolicy
from platform_core.schedule import HOLD_SECONDS_MAX
from platform_emulator.components import COMPONENTS
from platform_emulator.model import Model
from platform_transports._fake_play import Heard
from platform_transports.budget import BudgetHolder
from platform_transports.contract import Credentials, Progress
from platform_transports.fake import FakePlatform
from platform_transports.journal import Journal
from platform_transports.virtual_time import VirtualTime
from tests.exploration.world import ATTEMPTS_MAX, SECRET

from .network import Network
from .shadow import Named, Shadow
from .swarm import STARTS, Call, Profile

BASE_URL = "https://platform.test"
HANGS_SECONDS = 60.0
"""Of real time, of which a run takes a few milliseconds: a world in which time stands still for ever ends here."""
ROW_SECONDS_MAX = 2 * HOLD_SECONDS_MAX + EXECUTION_REQUEST_SECONDS_MAX
REQUESTS_MAX = 5_000
"""More than any run needs: one that goes on for ever is stopped here."""
PLATFORM_SEED = UUID(int=7)
COMPONENT = {each.name: each for each in COMPONENTS}

seeds: ContextVar[Iterator[UUID] | None] = ContextVar("seeds", default=None)
"""Where the client's operations get their seeds from: another row of them in each task and each thread."""


def next_seed() -> UUID:
    """Stands for `uuid4` in the client's wiring: the only place at which chance comes into a run."""
    row = seeds.get()
    assert row is not None, "each call has its seeds"
    return next(row)


def seeds_of(call: Call) -> Iterator[UUID]:
    """Those of one call: its own, and what follows from it."""
    yield call.seed
    for number in count():
        yield derived_uuid(call.seed, "another", number)


class End(NamedTuple):
    """How a call ended for its caller."""

    value: Any = None
    error: BaseException | None = None
    left: bool = False


class Stage:
    """One run of a profile, in any world."""

    def __init__(self, profile: Profile, world: str, folder: Path) -> None:
        """`folder` is for its journal."""
        self.profile = profile
        self._world = world
        self._random = Random(f"network {profile.mode} {profile.seed}")
        self._owners: dict[str, int] = {}
        self.network = Network(profile, self._random, lambda request: self._owners[request.headers.get(REQUEST_ID) or ""])
        self.platform = Platform(self)
        self.network.platform = self.platform
        self.targets = self._others()
        self.shadows = self._shadows()
        self._of_seed = {shadow.call.seed: shadow for shadow in self.shadows}
        self.ends: dict[int, End] = {}
        self.closed = False
        self.life = 1
        """Of the process: the second is the one that goes on where the first has died."""
        self.open_sends = 0
        self._folder = folder
        self.journal = None if profile.crashes_at is None else Journal(folder / "journal", sync="never")
        """That of the first life."""
        self._providing: list[int] = []
        """In which lives the token provider is being called."""
        self.budget = RetryBudget(profile.budget, profile.budget)
        """What is to be left of the client's, by what its runs decide."""
        self.holder = BudgetHolder(self.budget)
        """The client's own."""
        self.problems: list[str] = []
        self.tokens = [f"{SECRET}-0"] if profile.has_token else []
        self._provided = 0
        self._renewed_at = 0.0

    @property
    def time(self) -> VirtualTime:
        """The virtual time of the platform."""
        return self.platform.time

    def options(self) -> dict[str, Any]:
        """What both clients are made with, besides their transport and token provider."""
        return {
            "base_url": BASE_URL,
            "auth_token": self.tokens[-1] if self.tokens else None,
            "timeout": self.profile.timeout_seconds,
            "retry": RetryPolicy(attempts_max=ATTEMPTS_MAX),
            "idempotent_submissions": self.profile.keyed,
            "observers": (self._observer(),),
            "journal": self.journal if self.life == 1 else None,
            "env": {},
        }

    def pays(self, action: object) -> bool:
        """See `Around`."""
        match action:
            case Sleep(_, cost):
                after = self.budget.withdraw(cost)
                self.budget = after or self.budget
                return after is not None
            case Done():
                self.budget = self.budget.deposit()
                return True
            case _:
                return True

    def crash(self) -> Path:
        """The process dies: what its journal holds now is left of it."""
        self.life += 1
        content = (self._folder / "journal").read_bytes()
        self.budget = RetryBudget(self.profile.budget, self.profile.budget)
        self.holder = BudgetHolder(self.budget)
        left = self._folder / "left"
        left.write_bytes(content)
        return left

    def journals(self) -> bytes:
        """All that was written into them, now that nobody writes any more."""
        if self.journal is None:
            return b""
        self.journal.close()
        return b"".join(path.read_bytes() for path in sorted(self._folder.iterdir()))

    def end_of_recovered(self, end: object) -> None:
        """How the run ended in its second life."""
        self.ends[0] = End(error=end) if isinstance(end, BaseException) else End(end)

    def seeds_of_row(self) -> Iterator[UUID]:
        """Those of all calls, in turn."""
        return iter([call.seed for call in self.profile.calls])

    def ids_of_row(self) -> list[str]:
        """The executions that are awaited in one row."""
        return [self.targets[call.index][1] for call in self.profile.calls]

    def end_of_row(self, handle: ExecutionHandle, end: object) -> None:
        """How the run of this handle ended, which the row tells once."""
        index = self.ids_of_row().index(str(handle.execution_id))
        if index in self.ends:
            self.problems.append(f"call {index}: 6. the row tells its end twice")
        self.ends[index] = End(error=end) if isinstance(end, BaseException) else End(end)

    def sending(self) -> Callable[[], AbstractContextManager[None]]:
        """What a transport of this life is to enter for each request."""
        life = self.life

        @contextmanager
        def entered() -> Generator[None, None, None]:
            if life != self.life:
                self.problems.append("a process that has died has sent a request")
            self.open_sends += 1
            try:
                yield
            finally:
                self.open_sends -= 1

        return entered

    def _observer(self) -> Callable[[Decision], None]:
        """The client's observer. What a process decides that has died is heard by nobody."""
        life = self.life
        return lambda decision: self._observe(decision) if life == self.life else None

    def _observe(self, decision: Decision) -> None:
        shadow = self._of_seed[decision.operation_id]
        if isinstance(decision.action, Send):
            self._owners[decision.action.request.headers.get(REQUEST_ID) or ""] = shadow.call.index
        shadow.observe(decision)

    def shadow_of(self, request: OutgoingRequest) -> Shadow:
        """Whose request it is."""
        return self.shadows[self._owners[request.headers.get(REQUEST_ID) or ""]]

    @contextmanager
    def provider_called(self) -> Generator["Asked", None, None]:
        """The token provider is being called inside it."""
        assert self.profile.provider is not None
        life = self.life
        if life in self._providing:
            self.problems.append("8. the token provider is called twice at a time")
        self._providing.append(life)
        try:
            yield Asked(self, life, self.platform.now + self.profile.provider.seconds)
        finally:
            self._providing.remove(life)

    def next_token(self, life: int) -> str:
        """What the provider answers with now. The tokens of a process that has died are of no use to another one."""
        assert self.profile.provider is not None
        answers = self.profile.provider.answers
        answer = answers[self._provided] if self._provided < len(answers) else "token"
        self._provided += 1
        match answer:
            case "transient":
                raise OSError(f"{SECRET} and more that nobody may see")
            case "permanent":
                raise KeyError(SECRET)
            case "no token":
                return "no token"
            case "token":
                token = f"{SECRET}-{self._provided}"
                if life == self.life:
                    self.tokens.append(token)
                    self._renewed_at = self.platform.now
                return token

    def is_current(self, credentials: Credentials) -> bool:
        """Whether this is the newest token. A request may have been on its way just when that was renewed."""
        newest = self.tokens[-2 if self._renewed_at == self.platform.now else -1 :]
        return any(credentials == Credentials("Authorization", f"Bearer {token}") for token in newest)

    def invoked(self, client: Any, call: Call) -> Any:
        """The call: a coroutine of the async client, or what the blocking one answers with."""
        match call.kind:
            case "execute":
                options = {"poll_interval_seconds": call.poll_interval_seconds, "on_abandon": call.on_abandon}
                return self._started(client, call, "execute_{}", **options)
            case "submit":
                return self._started(client, call, "submit_{}_execution")
            case "await":
                return client.await_execution_result(self.targets[call.index][1], call.timeout_seconds, call.poll_interval_seconds)
            case "cancel":
                return client.cancel_execution(self.targets[call.index][1])
            case "look":
                return client.get_execution_status(self.targets[call.index][1])
            case _:
                return client.request("GET", "/api/v1/tenants/orgs")

    def _started(self, client: Any, call: Call, method: str, **options: Any) -> Any:
        """The call of the client's method for the kind of this component."""
        component = COMPONENT[call.component]
        return getattr(client, method.format(component.kind))(
            component.component_id, _inputs(call), timeout_seconds=call.timeout_seconds, **options
        )

    def _others(self) -> dict[int, tuple[str, str]]:
        """The executions that another client has started, for the calls that are about such: key and id."""
        found: dict[int, tuple[str, str]] = {}
        for call in self.profile.calls:
            if call.kind in STARTS or call.kind == "request":
                continue
            key = derived_uuid(call.seed, "of another client")
            component = COMPONENT[call.component]
            request = submission(
                component.kind,
                component.component_id,
                _inputs(call),
                None,
                None,
                None,
                execution_mode="isolated" if component.kind == "agent" else None,
                scope=None,
                lifecycle_event=None,
                key=key,
                settings=Settings(),
            )
            model = self.platform.model
            assert isinstance(model, Model)
            self.platform.model = model = model.apply(request, 0.0)[0]
            found[call.index] = str(key), model.state.keys[str(key)]
        return found

    def _shadows(self) -> list[Shadow]:
        shadows: list[Shadow] = []
        for call in self.profile.calls:
            key = str(idempotency_key(call.seed)) if self.profile.keyed else None
            if call.kind not in STARTS:
                key = self.targets[call.index][0] if call.index in self.targets else None
            others = frozenset(shadow.key for shadow in shadows if shadow.key is not None)
            shadows.append(Shadow(call, Named(key, others), self, self._slack_seconds()))
        return shadows

    def _slack_seconds(self) -> float:
        """A clock may wake late, a thread cannot leave a provider: each of it at the deadline, and in the clean-up once more."""
        provider = self.profile.provider
        seconds = 0.0 if provider is None or self._world != "sync" else provider.seconds
        slack = 2 * (self.profile.lateness_seconds + seconds)
        # In a row, and in a recovery, a run may have to wait for the requests of the others, and for whoever is to be spared polls.
        return slack + ROW_SECONDS_MAX * len(self.profile.calls) if self.profile.row or self.profile.crashes_at is not None else slack


def _inputs(call: Call) -> dict[str, Any]:
    return {"seconds": call.work_seconds, "message": f"failed {call.index}", "marker": str(call.seed)}


class Asked(NamedTuple):
    """A call of the token provider."""

    stage: Stage
    life: int
    at: float
    """When it answers."""

    def token(self) -> str:
        """What it answers with then."""
        return self.stage.next_token(self.life)


class Platform(FakePlatform):
    """The fake, which looks at what the driver really hands on."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.network, model=Model.new(PLATFORM_SEED, stage.profile.behaviour))
        self._stage = stage

    @property
    def time(self) -> VirtualTime:
        """Its virtual time."""
        return self._time

    def receive(self, outgoing: OutgoingRequest, credentials: Credentials, progress: Progress) -> Heard:
        """See `FakePlatform`."""
        if len(self.requests) >= REQUESTS_MAX:
            raise AssertionError(f"more than {REQUESTS_MAX} requests")
        self._stage.problems.extend(self._problems(outgoing, credentials))
        return super().receive(outgoing, credentials, progress)

    def _problems(self, outgoing: OutgoingRequest, credentials: Credentials) -> Iterator[str]:
        stage, shadow = self._stage, self._stage.shadow_of(outgoing)
        send = shadow.sending
        if send is None:
            yield "a request was sent that no decision asked for"
            return
        request: Request = send.request
        if outgoing.url != BASE_URL + request.target or (outgoing.method, outgoing.body) != (request.method, request.body):
            yield f"what was sent is not what was decided: {outgoing.method} {outgoing.url}"
        if not set(request.headers) <= set(outgoing.headers):
            yield "a header of the request was changed"
        if not stage.is_current(credentials):
            yield "10. a request carried a token that is not the newest"
        if any(SECRET in value for _, value in outgoing.headers) or SECRET in outgoing.url:
            yield "10. the token stands in a request's headers or URL"
        if stage.closed and stage.profile.closes_at is not None and self.now > stage.profile.closes_at:
            yield "a closed client has sent a request"
        if shadow.began_at is not None and self.now > shadow.began_at + send.deadline:
            yield "7. a request was sent after its deadline"
