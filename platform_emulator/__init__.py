"""The platform on this machine: a pure model, and a server around it with workers, tokens and faults.

`platform_emulator.model` needs the standard library and `platform_core` alone; `Emulator` needs `platform-client[emulator]`.
All names below load when they are first asked for.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .emulator import Emulator
    from .faults import Fault
    from .keeping import DatabaseError
    from .registration import agent, code_block, component_id_of, workflow

__all__ = ["DatabaseError", "Emulator", "Fault", "agent", "code_block", "component_id_of", "workflow"]

_MODULES = {
    "DatabaseError": "keeping",
    "Emulator": "emulator",  # the server, which whoever wants the model alone may not have
    "Fault": "faults",
    "agent": "registration",
    "code_block": "registration",
    "component_id_of": "registration",
    "workflow": "registration",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
