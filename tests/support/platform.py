"""The fake platform as the clients' tests take it: with the emulator's model behind it, and faults in front."""

from collections.abc import Callable
from uuid import UUID

from platform_core.messages import OutgoingRequest, Request, Response
from platform_emulator.components import COMPONENTS, SERVICES
from platform_emulator.model import DEFAULT_BEHAVIOUR, Behaviour, Model
from platform_emulator.state import Execution
from platform_transports.fake import Act, FakePlatform, Script

SEED = UUID("5eed0000-0000-4000-8000-000000000002")
IDS = {each.name: each.component_id for each in COMPONENTS}
ECHO, SLEEP, FAIL, ANSWER, PIPELINE = (IDS[name] for name in ("echo", "sleep", "fail", "answer", "pipeline"))
DEMO = SERVICES["demo"]
Acts = Callable[[Request], Act | Response | None]


def modelled(script: Script = (), behaviour: Behaviour = DEFAULT_BEHAVIOUR) -> FakePlatform:
    """A platform that the model answers for, where the script does not."""
    return FakePlatform(script, model=Model.new(SEED, behaviour))


def executions(platform: FakePlatform) -> list[Execution]:
    """The executions that the model knows, in the order of submission."""
    assert isinstance(platform.model, Model)
    return list(platform.model.advance(platform.now).state.executions.values())


def heading(platform: FakePlatform, name: str) -> list[str | None]:
    """This header of each request in turn."""
    return [request.headers.get(name) for request in platform.requests]


def paths(platform: FakePlatform) -> list[str]:
    """Each request in turn, as `POST /api/v1/…`."""
    return [f"{request.method} {_path(request)}" for request in platform.requests]


def on(method: str, path: str, *acts: Act | Response) -> Acts:
    """These acts for the requests of this method whose path ends so, in turn; for all others, and then, the model answers."""
    left = list(acts)

    def act(request: Request) -> Act | Response | None:
        return left.pop(0) if left and request.method == method and request.path.endswith(path) else None

    return act


def _path(request: OutgoingRequest) -> str:
    return "/" + request.url.split("/", 3)[3]
