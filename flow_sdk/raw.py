"""What both clients have for whoever wants an answer as it came: its status, headers and bytes, and what the call took."""

from collections.abc import Mapping
from typing import Any

from platform_core import operations
from platform_core.raw import RawResponse

from .bodies import AsyncContent, SyncContent
from .streams import Streams, SyncStreams
from .wiring import documented_by


class Raw(Streams):
    """That part of the async client."""

    async def request_raw(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: AsyncContent | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        """Make any call, as `request`, and answer with a 2xx answer as it came: `status`, `headers`, `body`.

        Besides, `attempts`, `elapsed` in seconds and `request_id` say what the call took. `body` is not parsed, whatever its type, and may
        be compressed where `headers` asked for that. An answer outside of 2xx is the same error as ever, 304 too; it carries `status_code`,
        `attempts`, `elapsed`, `request_id` and the first bytes of the body.
        """
        body, flow = self._outgoing(content)
        built = self._wiring.built_with
        return await self._run(operations.request_raw(method, path, params=params, json=json, content=body, headers=headers, **built), flow)


@documented_by(Raw)
class SyncRaw(SyncStreams):
    """That part of the blocking client."""

    def request_raw(  # noqa: D102 -- `documented_by`
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: SyncContent | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        body, flow = self._outgoing(content)
        built = self._wiring.built_with
        return self._run(operations.request_raw(method, path, params=params, json=json, content=body, headers=headers, **built), flow)
