"""What a simulated run is made of in every world: the platform, its tokens, the arguments of the client, and what is seen of each call."""

from collections.abc import Iterator
from contextvars import ContextVar
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from platform_core.actions import Send
from platform_core.config import Settings
from platform_core.derive import derived_uuid, idempotency_key
from platform_core.exchange import REQUEST_ID
from platform_core.handles import ExecutionHandle
from platform_core.job import EXECUTION_REQUEST_SECONDS_MAX
from platform_core.machine import Decision
from platform_core.messages import OutgoingRequest, Request
from platform_core.requests import submission
from platform_core.schedule import HOLD_SECONDS_MAX
from platform_emulator.components import COMPONENTS
from platform_emulator.model import Model
from platform_transports._fake_play import Heard
from platform_transports.contract import Credentials, Progress
from platform_transports.fake import FakePlatform
from platform_transports.journal import Journal
from platform_transports.virtual_time import VirtualTime
from tests.exploration.world import SECRET

from .handles import End, Handles
from .network import Network
from .parties import BASE_URL, Party
from .shadow import Named, Shadow
from .swarm import STARTS, Call, Profile

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


def end_of(end: object) -> End:
    """The same of what a row or a recovery tells."""
    return End(error=end) if isinstance(end, BaseException) else End(end)


class Stage:
    """One run of a profile, in any world."""

    def __init__(self, profile: Profile, world: str, folder: Path) -> None:
        """`folder` is for its journal."""
        self.profile = profile
        self.problems: list[str] = []
        self.open_sends = 0
        self._world = world
        self._owners: dict[str, int] = {}
        random = Random(f"network {profile.mode} {profile.seed}")
        self.network = Network(profile, random, lambda request: self._owners[request.headers.get(REQUEST_ID) or ""])
        self.platform = Platform(self)
        self.network.platform = self.platform
        self._folder = folder
        self.journal = Journal(folder / "journal", sync="never") if profile.has_journal else None
        """That of the first process."""
        self.parties: list[Party] = []
        self.first = self.new_party(0)
        """The client that all begin with."""
        self.targets = self._others()
        self.shadows = self._shadows()
        self._of_seed = {shadow.call.seed: shadow for shadow in self.shadows}
        self.handles = Handles(self.shadows)
        self.ends: dict[int, End] = {}
        self.begun: set[int] = set()
        """The calls that were made; one that is to go on by a handle is not, where none was left."""
        self.has_crashed = False

    @property
    def time(self) -> VirtualTime:
        """The virtual time of the platform."""
        return self.platform.time

    def new_party(self, number: int) -> Party:
        """What there is to know of one more client."""
        party = Party(self, number, self.journal if number >= 0 else None)
        self.parties.append(party)
        return party

    def begin(self, call: Call, party: Party) -> None:
        """This client makes this call now."""
        self.begun.add(call.index)
        shadow, handle = self.shadows[call.index], self.handles.of(call)
        shadow.party = party
        match call.kind:
            case "execute":
                shadow.on_abandon = call.on_abandon
            case "await":
                shadow.on_abandon = "detach"
            case "resume" if handle is not None:
                shadow.on_abandon = handle.on_abandon
            case _:
                pass

    def end(self, call: Call, end: End, party: Party) -> None:
        """How it ended for whoever has called this client; what a dead process still tells is heard by nobody."""
        if not party.is_dead:
            self.ends[call.index] = end
            self.handles.keep(call, end)

    def under_way(self) -> Shadow | None:
        """The run that a crash interrupts."""
        return next((shadow for shadow in self.shadows if shadow.is_under_way), None)

    def crash(self, shadow: Shadow) -> Path | None:
        """The process dies amid this run: what its journal holds now is left of it, and each handle that was stored before.

        None where nothing is left of this run: no journal tells of who only looks.
        """
        self.has_crashed = True
        for party in self.parties:
            party.is_dead = True
        if self.journal is None or shadow.call.kind == "look":
            self.ends[shadow.call.index] = End(left=True)
            shadow.is_lost = True
            return None
        left = self._folder / "left"
        left.write_bytes((self._folder / "journal").read_bytes())
        shadow.party = self.new_party(-1)
        return left

    def journals(self) -> bytes:
        """All that was written into them, now that nobody writes any more."""
        if self.journal is None:
            return b""
        self.journal.close()
        return b"".join(path.read_bytes() for path in sorted(self._folder.iterdir()))

    def seeds_of_row(self) -> Iterator[UUID]:
        """Those of all calls in the row, in turn."""
        return iter([self.profile.calls[index].seed for index, _ in self.row()])

    def row(self) -> list[tuple[int, ExecutionHandle | str]]:
        """The calls that are awaited in one row, by a handle or by an id."""
        if not self.profile.row_of_handles:
            return [(call.index, self.targets[call.index][1]) for call in self.profile.calls]
        given = ((call.index, self.handles.of(call)) for call in self.profile.calls if call.of is not None)
        return [(index, handle) for index, handle in given if handle is not None]

    def begin_row(self, party: Party) -> list[ExecutionHandle | str]:
        """This client awaits it: what it is given."""
        row = self.row()
        for index, _ in row:
            self.begin(self.profile.calls[index], party)
        return [given for _, given in row]

    def end_of_row(self, handle: ExecutionHandle, end: object) -> None:
        """How the run of this handle ended, which the row tells once."""
        found = [index for index, given in self.row() if given in (handle, handle.execution_id)]
        if not found or found[0] in self.ends:
            self.problems.append(f"6. the row tells an end twice, or of what it was not given: {handle}")
            return
        self.ends[found[0]] = end_of(end)

    def observe(self, decision: Decision) -> None:
        """See `Around`."""
        shadow = self._of_seed[decision.operation_id]
        if isinstance(decision.action, Send):
            self._owners[decision.action.request.headers.get(REQUEST_ID) or ""] = shadow.call.index
        shadow.observe(decision)
        if shadow.has_ended and self.profile.goes_on(shadow.call, lambda call: self.shadows[call.index].has_ended):
            # Time is to stand still until whoever goes on with its handle has taken over.
            self.platform.together(1)

    def shadow_of(self, request: OutgoingRequest) -> Shadow:
        """Whose request it is."""
        return self.shadows[self._owners[request.headers.get(REQUEST_ID) or ""]]

    def invoked(self, client: Any, call: Call) -> Any:
        """The call: a coroutine of the async client, or what the blocking one answers with."""
        match call.kind:
            case "execute":
                options = {"poll_interval_seconds": call.poll_interval_seconds, "on_abandon": call.on_abandon}
                return self._started(client, call, "execute_{}", **options)
            case "submit":
                return self._started(client, call, "submit_{}_execution")
            case "resume":
                return client.resume(self.handles.of(call))
            case "await":
                return client.await_execution_result(self._id_for(call), call.timeout_seconds, call.poll_interval_seconds)
            case "cancel":
                return client.cancel_execution(self._id_for(call))
            case "look":
                return client.get_execution_status(self._id_for(call))
            case _:
                return client.request("GET", "/api/v1/tenants/orgs")

    def _started(self, client: Any, call: Call, method: str, **options: Any) -> Any:
        """The call of the client's method for the kind of this component."""
        component = COMPONENT[call.component]
        return getattr(client, method.format(component.kind))(
            component.component_id, _inputs(call), timeout_seconds=call.timeout_seconds, **options
        )

    def _id_for(self, call: Call) -> str:
        handle = self.handles.of(call)
        return self.targets[call.index][1] if handle is None or handle.execution_id is None else handle.execution_id

    def _others(self) -> dict[int, tuple[str, str]]:
        """The executions that another client has started, for the calls that are about such: key and id."""
        found: dict[int, tuple[str, str]] = {}
        for call in self.profile.calls:
            if call.kind in STARTS or call.kind == "request" or call.of is not None:
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
            former = None if call.of is None else shadows[call.of]
            key = str(idempotency_key(call.seed)) if self.profile.keyed else None
            if former is not None:
                key = former.key
            elif call.kind not in STARTS:
                key = self.targets[call.index][0] if call.index in self.targets else None
            others = frozenset(shadow.key for shadow in shadows if shadow.key is not None) - {key}
            shadows.append(Shadow(call, Named(key, others, former), self.first, self.network, self._slack_seconds()))
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
        shadow = self._stage.shadow_of(outgoing)
        send = shadow.sending
        if send is None:
            yield "a request was sent that no decision asked for"
            return
        request: Request = send.request
        if outgoing.url != BASE_URL + request.target or (outgoing.method, outgoing.body) != (request.method, request.body):
            yield f"what was sent is not what was decided: {outgoing.method} {outgoing.url}"
        if not set(request.headers) <= set(outgoing.headers):
            yield "a header of the request was changed"
        if not shadow.party.is_current(credentials):
            yield "10. a request carried a token that is not the newest"
        if any(SECRET in value for _, value in outgoing.headers) or SECRET in outgoing.url:
            yield "10. the token stands in a request's headers or URL"
        if shadow.party.closed_at is not None and self.now > shadow.party.closed_at:
            yield "a closed client has sent a request"
        if shadow.began_at is not None and self.now > shadow.began_at + send.deadline:
            yield "7. a request was sent after its deadline"
