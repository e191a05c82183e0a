"""What the fixture `platform_fake` is: a platform for unit tests, in virtual time, that holds every call to the contract."""

from typing import Protocol, Self, cast

from platform_core.messages import Request, Response
from platform_core.records import ExecutionRecord
from platform_transports.fake import Contract, FakePlatform, Script


class Recording(Protocol):
    """A pure platform that tells what it has executed: `platform_emulator.working.Working` is one."""

    def apply(self, request: Request, at: float, /) -> tuple[Self, Response]:
        """See `platform_transports.fake.Model`."""
        ...

    def records(self, at: float) -> tuple[ExecutionRecord, ...]:
        """Every execution as it is at this time."""
        ...


class PlatformFake(FakePlatform):
    """A platform that answers as the real one would, unless a test says otherwise: give it to either client as its `transport`.

    `then(…)` says what the next requests meet, `requests` are those that came, `now` is the virtual time in seconds: pauses and deadlines
    of a client pass at once. A request that the real platform would refuse whatever it knows is refused here too, script or not.
    """

    def __init__(self, model: Recording, contract: Contract, script: Script = ()) -> None:
        super().__init__(script, model=model, contract=contract)

    @property
    def executions(self) -> tuple[ExecutionRecord, ...]:
        """The record of each execution as it is now, in the order of submission."""
        return cast("Recording", self.model).records(self.now)
