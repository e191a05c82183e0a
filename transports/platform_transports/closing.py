"""`with` and `async with` for transports: whoever makes one closes it, and a client does not close one that it was handed."""

from types import TracebackType
from typing import Self


class AsyncClosing:
    """Closes itself at the end of an `async with` block."""

    __slots__ = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection. May be called twice."""
        raise NotImplementedError


class SyncClosing:
    """Closes itself at the end of a `with` block."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection. May be called twice."""
        raise NotImplementedError
