"""The platform on this machine: a pure model, and a server around it with workers, tokens and faults.

`platform_emulator.model` needs the standard library and `platform_core` alone; `Emulator` needs `platform-client[emulator]`.
Both names below load when they are first asked for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .emulator import Emulator
    from .faults import Fault

__all__ = ["Emulator", "Fault"]


def __getattr__(name: str) -> object:
    if name == "Emulator":
        from .emulator import Emulator  # noqa: PLC0415 -- loads the server, which whoever wants the model alone may not have

        return Emulator
    if name == "Fault":
        from .faults import Fault  # noqa: PLC0415

        return Fault
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
