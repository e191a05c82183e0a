import pytest

from platform_emulator import DatabaseError
from platform_emulator.callers import DEVELOPER
from platform_emulator.credentials import digest
from platform_emulator.keeping import NOWHERE, DatabaseInUseError, NotADatabaseError, UnknownSchemaError
from platform_emulator.model import initial
from platform_emulator.tokens import Identity
from tests.platform_emulator.support import SEED


@pytest.mark.parametrize("kind", [DatabaseInUseError, NotADatabaseError, UnknownSchemaError])
def test_all_that_may_be_wrong_with_a_file_is_caught_as_one(kind: type[DatabaseError]) -> None:
    assert issubclass(kind, DatabaseError)


def test_a_platform_in_memory_keeps_nothing() -> None:
    state = initial(SEED)
    NOWHERE.keep(state, state)
    NOWHERE.keep_api_key(digest("fl_a"), Identity("a", 0.0, DEVELOPER))
    NOWHERE.close()
    assert NOWHERE.api_keys == {}
