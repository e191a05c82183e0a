"""Who asks, and what for: all that a rule of the model may look at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from platform_core.messages import Headers, Request, Response

from .answers import error_answer, not_found
from .components import ORG_ID, ORGANIZATIONS


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as the platform's rules depend on it: the organizations that this identity may see."""

    org_ids: frozenset[str] = frozenset({ORG_ID})

    @classmethod
    def seeing(cls, org_ids: Iterable[str]) -> "Caller":
        """One who may see these organizations. Raises `TypeError` for a single text, `ValueError` for ids that are none."""
        if isinstance(org_ids, str):
            raise TypeError("org_ids must be a collection of ids, not one str")
        lower = frozenset(each.lower() for each in org_ids)
        if not lower <= ORGANIZATIONS.keys():
            raise ValueError(f"org_ids must be organizations of the emulator: {', '.join(ORGANIZATIONS)}")
        return cls(lower)


DEVELOPER = Caller()
"""Who asks where nobody says so: sees the default organization alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a route's handler takes it: with the decoded segments of its path, its time and its caller."""

    request: Request
    segments: Mapping[str, str]
    at: float
    caller: Caller


NOT_PRESENTED = "a bearer token or an API key is needed"


class Presented(NamedTuple):
    """The credentials of a request, as they were presented: an API key or a token."""

    is_key: bool
    secret: str

    def __repr__(self) -> str:
        return f"Presented(is_key={self.is_key}, <secret>)"


def presented(headers: Headers) -> Presented | None:
    """What this request is authorized by; where a key and a token stand, the key counts. None where there is neither."""
    key = headers.get("X-API-Key")
    if key is not None:
        return Presented(is_key=True, secret=key)
    scheme, _, token = (headers.get("Authorization") or "").partition(" ")
    return Presented(is_key=False, secret=token) if scheme.lower() == "bearer" and token else None


def refused_org(caller: Caller, org_id: str) -> Response | None:
    """404 for an organization that does not exist, 403 for one that this caller may not see, else None."""
    if org_id.lower() not in ORGANIZATIONS:
        return not_found(f"organization {org_id}")
    if org_id.lower() not in caller.org_ids:
        return error_answer(403, "FORBIDDEN", f"organization {org_id} is not open to this token")
    return None
