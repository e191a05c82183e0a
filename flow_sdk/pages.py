"""What both clients have for lists that come page by page. How pages are turned, and that every list has an end, is the core's."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from platform_core import operations
from platform_core.errors import Failure
from platform_core.machine import Operation
from platform_core.paging import ByCursor, Page, Paging, Walk
from platform_core.raw import RawResponse

from .wiring import Wired, Wiring, documented_by

T = TypeVar("T")
_NEXT_CURSOR = ByCursor()


class Pages(Wired):
    """That part of the async client."""

    if TYPE_CHECKING:

        async def run(self, operation: Operation[T]) -> T:
            """See `PlatformClient`."""
            ...

    def pages(
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        items: str | None = "items",
        next: Paging = _NEXT_CURSOR,  # noqa: A002 -- what it is called in every such list
    ) -> AsyncIterator[Page]:
        """Go through a list page by page: yields each as a `Page` with its `items`, its whole `answer`, and what `next` it names.

        `items` names the field of a page that holds its items, with dots for one within another (`data.rows`); None where the page is a
        list itself. `next` says how the next page is asked for: `ByCursor(field, parameter)`, `ByOffset(parameter)` or
        `ByNumber(parameter)`; left out, by the cursor in the field `next_cursor`. `params` stand in every request: a limit, a filter.

        A page is fetched when it is asked for, by a GET that is repeated as any other; whoever leaves the loop leaves nothing behind. After
        an error the same page may be asked for again. Every list has an end: a cursor that was there before, or a page that was, is
        `PlatformResponseError`, as is a page without the fields that were named.
        """
        return _AsyncTurning(self.run, Walk(path, params, items, next), headers, self._wiring)


@documented_by(Pages)
class SyncPages(Wired):
    """That part of the blocking client."""

    if TYPE_CHECKING:

        def run(self, operation: Operation[T]) -> T:
            """See `SyncPlatformClient`."""
            ...

    def pages(  # noqa: D102 -- `documented_by`
        self,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        items: str | None = "items",
        next: Paging = _NEXT_CURSOR,  # noqa: A002 -- what it is called in every such list
    ) -> Iterator[Page]:
        return _SyncTurning(self.run, Walk(path, params, items, next), headers, self._wiring)


class _Turning:
    """A walk, and the requests that it takes."""

    def __init__(self, walk: Walk, headers: Mapping[str, str] | None, wiring: Wiring) -> None:
        self._walk = walk
        self._headers = headers
        self._wiring = wiring
        self._operation()  # so that a bad argument is refused where it was given

    def _operation(self) -> Operation[RawResponse]:
        return operations.request_raw("GET", self._walk.path, params=self._walk.params, headers=self._headers, **self._wiring.built_with)

    def _turned(self, answer: RawResponse) -> Page:
        page = self._walk.turn(answer, self._wiring.config.settings.limits)
        if isinstance(page, Failure):
            raise page.exception()
        return page


class _AsyncTurning(_Turning):
    """Not a generator: one that is left in the middle is nobody's to close."""

    def __init__(
        self, run: Callable[[Operation[RawResponse]], Awaitable[RawResponse]], walk: Walk, headers: Mapping[str, str] | None, wiring: Wiring
    ) -> None:
        super().__init__(walk, headers, wiring)
        self._run = run

    def __aiter__(self) -> AsyncIterator[Page]:
        return self

    async def __anext__(self) -> Page:
        if self._walk.ended:
            raise StopAsyncIteration
        return self._turned(await self._run(self._operation()))


class _SyncTurning(_Turning):
    def __init__(
        self, run: Callable[[Operation[RawResponse]], RawResponse], walk: Walk, headers: Mapping[str, str] | None, wiring: Wiring
    ) -> None:
        super().__init__(walk, headers, wiring)
        self._run = run

    def __iter__(self) -> Iterator[Page]:
        return self

    def __next__(self) -> Page:
        if self._walk.ended:
            raise StopIteration
        return self._turned(self._run(self._operation()))
