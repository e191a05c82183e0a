"""What both clients have for whoever wants an answer as it came: its status, headers and bytes, and what the call took."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from platform_core import operations
from platform_core.machine import Operation
from platform_core.raw import RawResponse

from .wiring import Wired, documented_by

T = TypeVar("T")


class Raw(Wired):
    """That part of the async client."""

    if TYPE_CHECKING:

        async def run(self, operation: Operation[T]) -> T:
            """See `PlatformClient`."""
            ...

    async def request_raw(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        """Make any call, as `request`, and answer with a 2xx answer as it came: `status`, `headers`, `body`.

        Besides, `attempts`, `elapsed` in seconds and `request_id` say what the call took. `body` is not parsed, whatever its type, and may
        be compressed where `headers` asked for that. An answer outside of 2xx is the same error as ever, 304 too; it carries `status_code`,
        `attempts`, `elapsed`, `request_id` and the first bytes of the body.
        """
        built_with = self._wiring.built_with
        return await self.run(
            operations.request_raw(method, path, params=params, json=json, content=content, headers=headers, **built_with)
        )


@documented_by(Raw)
class SyncRaw(Wired):
    """That part of the blocking client."""

    if TYPE_CHECKING:

        def run(self, operation: Operation[T]) -> T:
            """See `SyncPlatformClient`."""
            ...

    def request_raw(  # noqa: D102 -- `documented_by`
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,  # noqa: ANN401 -- any JSON value
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RawResponse:
        built = self._wiring.built_with
        return self.run(operations.request_raw(method, path, params=params, json=json, content=content, headers=headers, **built))
