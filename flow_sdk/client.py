"""The client for asyncio and trio."""

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from platform_core import operations
from platform_core.handles import ExecutionHandle, OnAbandon
from platform_core.limits import Limits
from platform_core.machine import Operation
from platform_core.records import ExecutionRecord, SkillsArtifact
from platform_core.resuming import resume_execution
from platform_core.retry import RetryPolicy
from platform_transports.contract import AsyncTransport, TwoWorlds
from platform_transports.journal import Journal
from platform_transports.run import Observer
from platform_transports.runs import AsyncRuns
from platform_transports.tokens import AsyncOnRefresh, AsyncTokenProvider, AsyncTokens

from .binding import AsyncBinding
from .bodies import AsyncContent
from .many import ManyRuns
from .options import Options
from .pages import Pages
from .raw import Raw
from .streams import Streams
from .wiring import ASYNC, Wiring, checked_operation

T = TypeVar("T")


class PlatformClient(ManyRuns, Options, Pages, Raw, Streams):
    """The platform for asyncio and trio: an async context manager, for one event loop.

    Every method may be called from many tasks. Bad arguments are `TypeError` or `ValueError`, before anything is sent; whatever
    else goes wrong is a `PlatformClientError`. A cancelled `execute_*` cancels its execution on the platform.
    """

    def __init__(
        self,
        base_url: str | None = None,
        auth_token: str | None = None,
        org_id: UUID | str | None = None,
        workspace_id: UUID | str | None = None,
        timeout: float | None = None,
        on_auth_token_refresh: AsyncOnRefresh | None = None,
        *,
        transport: AsyncTransport | TwoWorlds | None = None,
        token_provider: AsyncTokenProvider | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        idempotent_submissions: bool = True,
        allow_http: bool = False,
        observers: Iterable[Observer] = (),
        env: Mapping[str, str] | None = None,
        journal: Journal | str | os.PathLike[str] | None = None,
    ) -> None:
        """Make a client; nothing is sent or opened yet.

        Args:
            base_url: where the platform is, `https` unless it is this machine; else `PLATFORM_API_URL`.
            auth_token: a JWT or an API key; else `AUTH_TOKEN`. May be missing where there is a `token_provider`.
            org_id: the `org_id` of each submission's context; else `ORG_ID`.
            workspace_id: the same, and the header `X-Workspace-ID` of every request; else `WORKSPACE_ID`.
            timeout: seconds for one request, 300 by default; a poll or a cancel has at most 30.
            on_auth_token_refresh: is handed each token that `token_provider` gave, and nothing else. Async in the async client.
            transport: an instance of a transport, which stays yours to close; else the native one of the event loop, or the blocking one.
            token_provider: answers with a fresh token, asked once for each token that the platform refused. Async in the async client.
            retry: how often a call is tried, and its pauses.
            limits: every bound on what is sent and taken in.
            idempotent_submissions: False sends no `Idempotency-Key`, for a platform that refuses it; a lost submission stays lost.
            allow_http: permits a token in clear text to another machine.
            observers: are called with each decision of each call before it is performed.
            env: stands for the process environment, which is read here and never again.
            journal: a path, or a `flow_sdk.Journal`, which stays yours to close: stores each decision of each execution before it is
                performed, so that `recover` can go on in another process. Without room for it nothing is sent: `PlatformJournalError`.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: the base URL or the token is missing, or an argument or a variable has a value that cannot be used.
        """
        self._wiring = Wiring(
            ASYNC,
            base_url=base_url,
            auth_token=auth_token,
            org_id=org_id,
            workspace_id=workspace_id,
            timeout=timeout,
            on_auth_token_refresh=on_auth_token_refresh,
            transport=transport,
            token_provider=token_provider,
            retry=retry,
            limits=limits,
            idempotent_submissions=idempotent_submissions,
            allow_http=allow_http,
            observers=observers,
            env=env,
            journal=journal,
        )
        self._tokens = AsyncTokens(self._wiring.token, token_provider, on_auth_token_refresh)
        self._runs = AsyncRuns()
        self._binding = AsyncBinding(transport, self._wiring.config.settings.limits)

    async def __aenter__(self) -> Self:
        self._binding.get(self._runs)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: AsyncContent | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 -- any JSON value, or bytes
        """Make any call: answers with parsed JSON for `application/json`, else with bytes.

        `path` begins with `/api/v1/`; `params` makes the query; `json` or `content` is the body; `headers` override ours, but
        for those of authentication and framing. What may be repeated without harm is tried again.

        `content` may be bytes, or of any size: a `Path`, a binary file, or what yields bytes, in a `flow_sdk.Body` where its length is
        known. Iterators, and files that cannot be rewound, are sent once: then nothing is tried again, and the error says so.
        """
        body, flow = self._outgoing(content)
        built_with = self._wiring.built_with
        operation = operations.request(method, path, params=params, json=json, content=body, headers=headers, **built_with)
        return await self._run(operation, flow)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: AsyncContent | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 -- any JSON value, or bytes
        """Make any call: the same as `_request`, for those who mind the underscore."""
        return await self._request(method, path, params=params, json=json, content=content, headers=headers)

    async def execute_code_block(
        self,
        code_block_id: UUID | str,
        input_parameters: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
        poll_interval_seconds: float = operations.POLL_SECONDS_MAX,
        on_abandon: OnAbandon = "cancel",
    ) -> ExecutionRecord:
        """Run a code block to its end: submit it, poll it, and answer with its record, `completed`.

        `timeout_seconds` is the platform's deadline; ours is 30 s later, or an hour where none is given. `poll_interval_seconds` is
        the longest pause between two polls. Whoever leaves, by cancellation or by our deadline, cancels the execution, unless
        `on_abandon` is "detach". `lifecycle_event` overrides `LIFECYCLE_EVENT`, `ring_id` overrides `RING_ID`.

        Raises `PlatformExecutionError`, or its subclass, where the execution ends otherwise.
        """
        return await self.run(
            operations.execute_code_block(
                code_block_id,
                input_parameters,
                context,
                ring_id,
                timeout_seconds,
                scope=scope,
                lifecycle_event=lifecycle_event,
                poll_interval_seconds=poll_interval_seconds,
                on_abandon=on_abandon,
                **self._wiring.built_with,
            )
        )

    async def execute_agent(
        self,
        agent_id: UUID | str,
        input_data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        execution_mode: str = "isolated",
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
        poll_interval_seconds: float = operations.POLL_SECONDS_MAX,
        on_abandon: OnAbandon = "cancel",
    ) -> ExecutionRecord:
        """Run an agent to its end, as `execute_code_block` does a code block."""
        return await self.run(
            operations.execute_agent(
                agent_id,
                input_data,
                context,
                execution_mode,
                ring_id,
                timeout_seconds,
                scope=scope,
                lifecycle_event=lifecycle_event,
                poll_interval_seconds=poll_interval_seconds,
                on_abandon=on_abandon,
                **self._wiring.built_with,
            )
        )

    async def execute_workflow(
        self,
        workflow_id: UUID | str,
        input_data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
        poll_interval_seconds: float = operations.POLL_SECONDS_MAX,
        on_abandon: OnAbandon = "cancel",
    ) -> ExecutionRecord:
        """Run a workflow to its end, as `execute_code_block` does a code block."""
        return await self.run(
            operations.execute_workflow(
                workflow_id,
                input_data,
                context,
                ring_id,
                timeout_seconds,
                scope=scope,
                lifecycle_event=lifecycle_event,
                poll_interval_seconds=poll_interval_seconds,
                on_abandon=on_abandon,
                **self._wiring.built_with,
            )
        )

    async def submit_code_block_execution(
        self,
        code_block_id: UUID | str,
        input_parameters: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
    ) -> ExecutionRecord:
        """Start a code block and leave it running: answers with the record as submitted, `pending` or already further.

        Submitted again with the same key where an answer was lost, so that it starts at most once.
        """
        return await self.run(
            operations.submit_code_block_execution(
                code_block_id,
                input_parameters,
                context,
                ring_id,
                timeout_seconds,
                scope=scope,
                lifecycle_event=lifecycle_event,
                **self._wiring.built_with,
            )
        )

    async def submit_agent_execution(
        self,
        agent_id: UUID | str,
        input_data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        execution_mode: str = "isolated",
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
    ) -> ExecutionRecord:
        """Start an agent and leave it running, as `submit_code_block_execution` does a code block."""
        return await self.run(
            operations.submit_agent_execution(
                agent_id,
                input_data,
                context,
                execution_mode,
                ring_id,
                timeout_seconds,
                scope=scope,
                lifecycle_event=lifecycle_event,
                **self._wiring.built_with,
            )
        )

    async def submit_workflow_execution(
        self,
        workflow_id: UUID | str,
        input_data: Mapping[str, Any] | None = None,
        context: Mapping[str, Any] | None = None,
        ring_id: UUID | str | None = None,
        timeout_seconds: float | None = None,
        *,
        scope: str | None = None,
        lifecycle_event: str | None = None,
    ) -> ExecutionRecord:
        """Start a workflow and leave it running, as `submit_code_block_execution` does a code block."""
        return await self.run(
            operations.submit_workflow_execution(
                workflow_id,
                input_data,
                context,
                ring_id,
                timeout_seconds,
                scope=scope,
                lifecycle_event=lifecycle_event,
                **self._wiring.built_with,
            )
        )

    async def get_execution_status(self, execution_id: UUID | str) -> ExecutionRecord:
        """Ask once for an execution: answers with its record, whatever its `status`."""
        return await self.run(operations.execution_status(execution_id, **self._wiring.built_with))

    async def await_execution_result(
        self,
        execution_id: UUID | str,
        timeout_seconds: float | None = None,
        poll_interval_seconds: float = operations.POLL_SECONDS_MAX,
    ) -> ExecutionRecord:
        """Poll an execution to its end: answers with its record, `completed`. Only watches, and never cancels.

        `timeout_seconds` is our own deadline, an hour where none is given; `poll_interval_seconds` the longest pause between two polls.

        Raises `PlatformExecutionError`, or its subclass, where the execution ends otherwise.
        """
        return await self.run(operations.await_execution(execution_id, timeout_seconds, poll_interval_seconds, **self._wiring.built_with))

    async def cancel_execution(self, execution_id: UUID | str) -> ExecutionRecord:
        """Cancel an execution: answers with its record after that; it may have ended before, then unchanged."""
        return await self.run(operations.cancel_execution(execution_id, **self._wiring.built_with))

    async def resume(self, handle: ExecutionHandle) -> ExecutionRecord:
        """Go on with an execution, in another process, event loop or thread than it began in, and end as `execute_*` would.

        `handle` comes from an error, from `handle(record)`, or from `ExecutionHandle.from_json`; one from a stranger is checked like any
        input. Where no id is known yet, the same submission is sent with the same key, so that it starts at most once. There are
        always 30 s at least to hear how it ended. Whoever leaves it cancels it only where its `on_abandon` is "cancel".
        """
        return await self.run(resume_execution(handle, **self._wiring.built_with))

    async def get_service_skills(self, service_id: UUID | str, version: int | None = None) -> SkillsArtifact:
        """Fetch the skills artifact of a hosted service, its latest where no version is given: `["endpoints"]`."""
        return await self.run(operations.service_skills(service_id, version, **self._wiring.built_with))

    async def run(self, operation: Operation[T]) -> T:
        """Run an operation of `platform_core` to its end, and answer with what it ends in."""
        return await self._run(checked_operation(operation), journal=self._wiring.journal)

    async def close(self) -> None:
        """Close the client, and the transport that it made; may be called twice. One of `with_options` closes itself alone.

        Calls under way end with a `PlatformClientError` that carries the handle. They send nothing more: executions go on.
        """
        if self._runs.closed:
            return
        self._binding.check()
        self._runs.close()
        if self._runs.is_part:
            return
        self._wiring.close_journal()
        try:
            await self._tokens.aclose()
        finally:
            await self._binding.aclose()

    async def aclose(self) -> None:
        """Close the client: the same as `close`."""
        await self.close()
