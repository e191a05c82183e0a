"""The client for blocking code: `client.py` without `await`. Its docstrings stand there, once for both."""
# ruff: noqa: D102 -- `documented_by` gives each method its docstring

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
from platform_transports.contract import SyncTransport, TwoWorlds
from platform_transports.journal import Journal
from platform_transports.run import Observer
from platform_transports.runs import Closed
from platform_transports.tokens import OnRefresh, SyncTokens, TokenProvider

from .binding import SyncBinding
from .bodies import SyncContent
from .client import PlatformClient
from .many import SyncManyRuns
from .options import SyncOptions
from .pages import SyncPages
from .raw import SyncRaw
from .streams import SyncStreams
from .wiring import SYNC, Wiring, checked_operation, documented_by

T = TypeVar("T")


@documented_by(PlatformClient)
class SyncPlatformClient(SyncManyRuns, SyncOptions, SyncPages, SyncRaw, SyncStreams):
    """The platform for blocking code: a context manager, for any number of threads.

    It has what `PlatformClient` has, with the same names, arguments and errors, without `await`. A `KeyboardInterrupt` during
    `execute_*` cancels its execution on the platform.
    """

    def __init__(
        self,
        base_url: str | None = None,
        auth_token: str | None = None,
        org_id: UUID | str | None = None,
        workspace_id: UUID | str | None = None,
        timeout: float | None = None,
        on_auth_token_refresh: OnRefresh | None = None,
        *,
        transport: SyncTransport | TwoWorlds | None = None,
        token_provider: TokenProvider | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        idempotent_submissions: bool = True,
        allow_http: bool = False,
        observers: Iterable[Observer] = (),
        env: Mapping[str, str] | None = None,
        journal: Journal | str | os.PathLike[str] | None = None,
    ) -> None:
        self._wiring = Wiring(
            SYNC,
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
        self._tokens = SyncTokens(self._wiring.token, token_provider, on_auth_token_refresh)
        self._closed = Closed()
        self._binding = SyncBinding(transport, self._wiring.config.settings.limits)

    def __enter__(self) -> Self:
        self._binding.get(self._closed)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: SyncContent | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 -- any JSON value, or bytes
        body, flow = self._outgoing(content)
        built_with = self._wiring.built_with
        return self._run(operations.request(method, path, params=params, json=json, content=body, headers=headers, **built_with), flow)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: SyncContent | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 -- any JSON value, or bytes
        return self._request(method, path, params=params, json=json, content=content, headers=headers)

    def execute_code_block(
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
        return self.run(
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

    def execute_agent(
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
        return self.run(
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

    def execute_workflow(
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
        return self.run(
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

    def submit_code_block_execution(
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
        return self.run(
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

    def submit_agent_execution(
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
        return self.run(
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

    def submit_workflow_execution(
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
        return self.run(
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

    def get_execution_status(self, execution_id: UUID | str) -> ExecutionRecord:
        return self.run(operations.execution_status(execution_id, **self._wiring.built_with))

    def await_execution_result(
        self,
        execution_id: UUID | str,
        timeout_seconds: float | None = None,
        poll_interval_seconds: float = operations.POLL_SECONDS_MAX,
    ) -> ExecutionRecord:
        return self.run(operations.await_execution(execution_id, timeout_seconds, poll_interval_seconds, **self._wiring.built_with))

    def cancel_execution(self, execution_id: UUID | str) -> ExecutionRecord:
        return self.run(operations.cancel_execution(execution_id, **self._wiring.built_with))

    def resume(self, handle: ExecutionHandle) -> ExecutionRecord:
        return self.run(resume_execution(handle, **self._wiring.built_with))

    def get_service_skills(self, service_id: UUID | str, version: int | None = None) -> SkillsArtifact:
        return self.run(operations.service_skills(service_id, version, **self._wiring.built_with))

    def run(self, operation: Operation[T]) -> T:
        return self._run(checked_operation(operation), journal=self._wiring.journal)

    def close(self) -> None:
        self._closed.set()
        if self._closed.is_part:
            return
        self._wiring.close_journal()
        self._tokens.close()
        self._binding.close()

    def aclose(self) -> None:
        self.close()
