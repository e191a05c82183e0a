"""What a client is configured with: where the platform is, what stands in every request, and what operations are built with."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from .checks import checked_seconds
from .limits import DEFAULT_LIMITS, Limits
from .messages import Headers, OutgoingRequest, Request, checked_header, checked_headers, checked_id
from .origins import Origin
from .retry import DEFAULT_RETRY, IDEMPOTENCY_KEY, RetryPolicy
from .tokens import Token
from .version import VERSION

T = TypeVar("T")

_BILLING = (("X-Parent-Billing-Txn-Id", "PARENT_BILLING_TXN_ID"), ("X-Lifecycle-Event", "LIFECYCLE_EVENT"))
_NOT_COMPRESSED = ("Accept-Encoding", "identity")
_OF_EACH_REQUEST = frozenset({"accept", "content-type", "x-request-id", IDEMPOTENCY_KEY.lower()})
"""What a request says for itself. For all requests at once it would be passed over, or make one submission of two."""


class Settings(NamedTuple):
    """What operations are built with: frozen values, none of them a secret, none of them tied to an origin."""

    timeout_seconds: float = 300.0
    """For each request, polls and cancels apart."""
    retry: RetryPolicy = DEFAULT_RETRY
    limits: Limits = DEFAULT_LIMITS
    idempotent_submissions: bool = True
    org_id: str | None = None
    """Fills `context["org_id"]` of a submission that lacks it; `workspace_id` likewise."""
    workspace_id: str | None = None
    ring_id: str | None = None


DEFAULT_SETTINGS = Settings()


class ClientConfig(NamedTuple):
    """What stays the same for the life of a client; `headers` stand in every request that has none of these names itself."""

    origin: Origin
    headers: Headers
    settings: Settings

    @classmethod
    def from_env(  # the constructor of the client has these parameters, of which each is one thing
        cls,
        env: Mapping[str, str],
        *,
        base_url: object = None,
        org_id: object = None,
        workspace_id: object = None,
        timeout: object = None,
        retry: object = None,
        limits: object = None,
        idempotent_submissions: object = True,
        allow_http: object = False,
    ) -> "ClientConfig":
        """The configuration from what was given and, where it was not, from this environment; an empty variable is as if not set.

        Raises `TypeError` or `ValueError` that names the parameter, or the variable, that it comes from.
        """
        organization, workspace, ring = (
            _checked_id(given, parameter, env, variable)
            for given, parameter, variable in (
                (org_id, "org_id", "ORG_ID"),
                (workspace_id, "workspace_id", "WORKSPACE_ID"),
                (None, "ring_id", "RING_ID"),
            )
        )
        fields = [checked_header(name, env[variable], variable) for name, variable in _BILLING if env.get(variable)]
        if workspace is not None:
            source = "WORKSPACE_ID" if workspace_id is None else "workspace_id"
            fields.append(checked_header("X-Workspace-ID", workspace, source))
        settings = Settings(
            timeout_seconds=Settings().timeout_seconds if timeout is None else checked_seconds(timeout, "timeout"),
            retry=DEFAULT_RETRY if retry is None else _instance(retry, RetryPolicy, "retry"),
            limits=DEFAULT_LIMITS if limits is None else _instance(limits, Limits, "limits"),
            idempotent_submissions=_instance(idempotent_submissions, bool, "idempotent_submissions"),
            org_id=organization,
            workspace_id=workspace,
            ring_id=ring,
        )
        return cls(_origin(env, base_url, allow_http=_instance(allow_http, bool, "allow_http")), Headers(tuple(fields)), settings)

    def with_options(self, *, timeout: object = None, retry: object = None, headers: object = None) -> "ClientConfig":
        """The same with these in their places; None leaves what there is. `headers` are added, and override those of the same names.

        Raises `TypeError` or `ValueError` that names the parameter.
        """
        settings = self.settings._replace(
            timeout_seconds=self.settings.timeout_seconds if timeout is None else checked_seconds(timeout, "timeout"),
            retry=self.settings.retry if retry is None else _instance(retry, RetryPolicy, "retry"),
        )
        own = Headers() if headers is None else checked_headers(headers)
        for name, _ in own:
            if name.lower() in _OF_EACH_REQUEST:
                message = f"headers must not have {name} for all requests: give it to the one request that it is for"
                raise ValueError(message)
        return self._replace(headers=own.with_defaults(self.headers), settings=settings)

    def outgoing(self, request: Request, user_agent: str) -> OutgoingRequest:
        """The request as a transport gets it: with an absolute URL and every header but those of credentials and framing."""
        own = request.headers.fields
        headers = Headers(own + _defaults(tuple([name for name, _ in own]), self.headers.fields, user_agent))
        return OutgoingRequest(request.method, self.origin.url(request.target), headers, request.body)


def token_from_env(env: Mapping[str, str], auth_token: object, *, required: bool) -> Token | None:
    """The token that was given, else that of the environment, else None unless one is required. No error quotes it."""
    if auth_token is not None:
        return Token.checked(auth_token, "auth_token")
    if env.get("AUTH_TOKEN"):
        return Token.checked(env["AUTH_TOKEN"], "AUTH_TOKEN")
    if required:
        message = "auth_token is missing: give it, give a token_provider, or set AUTH_TOKEN"
        raise ValueError(message)
    return None


@lru_cache(maxsize=64)
def _defaults(names: tuple[str, ...], fields: tuple[tuple[str, str], ...], agent: str) -> tuple[tuple[str, str], ...]:
    """What is added to a request with headers of these names. Kept, since most requests have the same names."""
    present = {name.lower() for name in names}
    ours = Headers(fields).with_defaults((_NOT_COMPRESSED, ("User-Agent", agent)))
    return tuple([field for field in ours if field[0].lower() not in present])


@lru_cache(maxsize=64)
def user_agent(transport_name: str, python: str) -> str:
    """The `User-Agent`; `python` is its version, as in "3.12"."""
    return checked_header("User-Agent", f"platform-client/{VERSION} (python/{python}; {transport_name})", "transport.name")[1]


def _origin(env: Mapping[str, str], base_url: object, *, allow_http: bool) -> Origin:
    if base_url is not None:
        return Origin.parse(base_url, allow_http=allow_http)
    if env.get("PLATFORM_API_URL"):
        return Origin.parse(env["PLATFORM_API_URL"], allow_http=allow_http, parameter="PLATFORM_API_URL")
    message = "base_url is missing: give it, or set PLATFORM_API_URL"
    raise ValueError(message)


def _checked_id(given: object, parameter: str, env: Mapping[str, str], variable: str) -> str | None:
    if given is not None:
        return checked_id(given, parameter)
    return checked_id(env[variable], variable) if env.get(variable) else None


def _instance(value: object, wanted: type[T], parameter: str) -> T:
    if not isinstance(value, wanted):
        message = f"{parameter} must be a {wanted.__name__}, not {type(value).__name__}"
        raise TypeError(message)
    return value
