"""What belongs to one client of a simulated run, and to no other: its tokens, its retry budget, its end by closing or by a crash."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple, Protocol

from platform_core.actions import Done, Sleep
from platform_core.machine import Decision
from platform_core.retry import RetryBudget, RetryPolicy
from platform_transports.budget import BudgetHolder
from platform_transports.contract import Credentials
from platform_transports.journal import Journal
from tests.exploration.world import ATTEMPTS_MAX, SECRET

from .network import Network
from .swarm import Profile

BASE_URL = "https://platform.test"


class Around(Protocol):
    """What all clients of a run share."""

    profile: Profile
    network: Network
    problems: list[str]
    open_sends: int

    def observe(self, decision: Decision) -> None:
        """What every client's observer hands on."""
        ...


class Party:
    """One client, as the checks see it. Two parties share nothing but the platform and, maybe, a handle."""

    def __init__(self, around: Around, number: int, journal: Journal | None = None) -> None:
        """`number` tells its tokens from those of the others."""
        self.closed_at: float | None = None
        """When it was closed with calls under way."""
        self.is_dead = False
        """Its process has died: what it decides is heard by nobody, and it may send nothing more."""
        profile = around.profile
        self.budget = RetryBudget(profile.budget, profile.budget)
        """What is to be left of the client's, by what its runs decide."""
        self.holder = BudgetHolder(self.budget)
        """The client's own."""
        self._around = around
        self._number = number
        self._journal = journal
        self._tokens = [f"{SECRET}-{number}-0"] if profile.has_token else []
        self._provided = 0
        self._renewed_at = 0.0
        self._is_providing = False

    @property
    def now(self) -> float:
        """In virtual time."""
        return self._around.network.platform.now

    def options(self) -> dict[str, Any]:
        """What both clients are made with, besides their transport and token provider."""
        profile = self._around.profile
        return {
            "base_url": BASE_URL,
            "auth_token": self._tokens[-1] if self._tokens else None,
            "timeout": profile.timeout_seconds,
            "retry": RetryPolicy(attempts_max=ATTEMPTS_MAX),
            "idempotent_submissions": profile.keyed,
            "observers": (self._observe,),
            "journal": self._journal,
            "env": {},
        }

    def pays(self, action: object) -> bool:
        """Take the action's cost from the retry budget, or pay back for an end; whether it could pay."""
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

    def sending(self) -> Callable[[], AbstractContextManager[None]]:
        """What its transport is to enter for each request."""

        @contextmanager
        def entered() -> Generator[None, None, None]:
            if self.is_dead:
                self._around.problems.append("a process that has died has sent a request")
            self._around.open_sends += 1
            try:
                yield
            finally:
                self._around.open_sends -= 1

        return entered

    @contextmanager
    def provider_called(self) -> Generator["Asked", None, None]:
        """The token provider is being called inside it."""
        provider = self._around.profile.provider
        assert provider is not None
        if self._is_providing:
            self._around.problems.append("8. the token provider is called twice at a time")
        self._is_providing = True
        try:
            yield Asked(self, self.now + provider.seconds)
        finally:
            self._is_providing = False

    def next_token(self) -> str:
        """What the provider answers with now."""
        provider = self._around.profile.provider
        assert provider is not None
        answer = provider.answers[self._provided] if self._provided < len(provider.answers) else "token"
        self._provided += 1
        match answer:
            case "transient":
                raise OSError(f"{SECRET} and more that nobody may see")
            case "permanent":
                raise KeyError(SECRET)
            case "no token":
                return "no token"
            case "token":
                self._tokens.append(f"{SECRET}-{self._number}-{self._provided}")
                self._renewed_at = self.now
                return self._tokens[-1]

    def is_current(self, credentials: Credentials) -> bool:
        """Whether this is its newest token. A request may have been on its way just when that was renewed."""
        newest = self._tokens[-2 if self._renewed_at == self.now else -1 :]
        return any(credentials == Credentials("Authorization", f"Bearer {token}") for token in newest)

    def _observe(self, decision: Decision) -> None:
        if not self.is_dead:
            self._around.observe(decision)


class Asked(NamedTuple):
    """A call of the token provider."""

    party: Party
    at: float
    """When it answers."""

    def token(self) -> str:
        """What it answers with then."""
        return self.party.next_token()
