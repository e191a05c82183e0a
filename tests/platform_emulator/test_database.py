import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from platform_core.lifecycle import ExecutionStatus
from platform_core.messages import Headers, Inline, Request
from platform_emulator import rows
from platform_emulator.callers import Caller
from platform_emulator.components import ORG_ID, OTHER_ORG_ID, Component
from platform_emulator.credentials import digest
from platform_emulator.database import Database
from platform_emulator.keeping import DatabaseError, DatabaseInUseError, NotADatabaseError, UnknownSchemaError
from platform_emulator.model import DEFAULT_BEHAVIOUR, State, advance, apply, reopened, start
from platform_emulator.tokens import Identity
from tests.platform_emulator.support import SEED, parsed, submission

OWN = Component("code_block", "double", "c0de0000-0000-4000-8000-00000000abcd", external=True)
TO_OWN = Request(
    "POST",
    f"/api/v1/code-blocks/{OWN.component_id}/executions",
    Headers((("Content-Type", "application/json"), ("Idempotency-Key", "\xe9 own"))),
    Inline(b'{"input_parameters": {"n": 1}}'),
)
OBJECT = Request("PUT", f"/api/v1/orgs/{ORG_ID}/storage/objects/a%00b%C3%A9", Headers((("Content-Type", "text/\xe9"),)), Inline(b"\0\xff"))
MANY = [
    submission("echo", {"input_parameters": {"a": "\xe9\0"}}, Idempotency_Key="1", X_Lifecycle_Event="t", X_Parent_Billing_Txn_Id="x"),
    submission("sleep", {"input_parameters": {"seconds": 0.5}, "timeout_seconds": 7}, Idempotency_Key="2"),
    TO_OWN,
    OBJECT,
    submission("answer", {"input_data": {}}),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "platform.sqlite3"


@pytest.fixture
def database(file: Path) -> Iterator[Database]:
    made = Database(file)
    yield made
    made.close()


def begun(database: Database, at: float = 0.0, seed: UUID | None = SEED, *components: Component) -> State:
    return database.begin(seed, DEFAULT_BEHAVIOUR, components or (OWN,), at)


def begun_again(file: Path, at: float) -> State:
    with closing(Database(file)) as database:
        return begun(database, at)


def after(state: State, *requests: Request, at: float = 0.0) -> State:
    for request in requests:
        state, response = apply(state, request, at)
        assert response.status in (200, 201, 202), response.body
    return state


def test_all_that_was_kept_is_there_again(file: Path, database: Database) -> None:
    state = begun(database)
    for request in MANY:
        state_after = after(state, request)
        database.keep(state, state_after)
        state = state_after
    database.close()
    assert begun_again(file, 9.0) == reopened(state, state.executions.values(), 9.0)


def test_changes_of_what_was_kept_are_kept_in_their_place(file: Path, database: Database) -> None:
    state = begun(database)
    first = after(state, *MANY)
    database.keep(state, first)
    other = Request("PUT", OBJECT.target, OBJECT.headers, Inline(b"other"))
    second = after(advance(first, 9.0), other, at=9.0)
    database.keep(first, second)
    database.close()
    kept = begun_again(file, 10.0)
    assert kept == reopened(second, second.executions.values(), 10.0)
    assert list(kept.executions) == list(second.executions)


def test_what_was_running_has_lost_its_worker_and_what_was_pending_is_due_at_once(file: Path, database: Database) -> None:
    state = begun(database)
    submitted = after(state, submission("sleep", {"input_parameters": {"seconds": 60}}), submission("echo"), TO_OWN)
    ids = list(submitted.executions)
    database.keep(state, start(submitted, ids[0], 1.0))
    database.close()
    kept = begun_again(file, 9.0)
    assert [each.status for each in kept.executions.values()] == ["failed", "pending", "pending"]
    lost = kept.executions[ids[0]]
    assert '"WORKER_LOST"' in (lost.error_json or "")
    assert (lost.started_at, lost.finished_at) == (1.0, 9.0)
    assert ([each.execution_id for each in kept.schedule], kept.schedule[0].at, kept.waiting) == ([ids[1]], 9.0, (ids[2],))
    assert begun_again(file, 20.0).executions[ids[0]] == lost


def test_a_key_from_before_gets_its_first_execution_and_ids_go_on(file: Path, database: Database) -> None:
    state = begun(database)
    database.keep(state, after(state, MANY[1]))
    database.close()
    kept = begun_again(file, 9.0)
    same, replayed = apply(kept, MANY[1], 9.0)
    assert (same, replayed.headers.get("Idempotency-Replayed")) == (kept, "true")
    assert parsed(replayed)["execution_id"] == next(iter(kept.executions))
    assert len(after(kept, submission("echo")).executions) == 2


def test_time_begins_no_earlier_than_what_was_kept(file: Path, database: Database) -> None:
    state = begun(database)
    database.keep(state, after(state, submission("echo"), at=1000.0))
    database.close()
    assert begun_again(file, 7.0).opened_at == 1000.0


def test_keys_are_kept_as_digests_alone(file: Path, database: Database) -> None:
    begun(database)
    identity = Identity("key 1", 5.0, Caller(frozenset({ORG_ID, OTHER_ORG_ID})))
    database.keep_api_key(digest("fl_secret"), identity)
    database.close()
    assert b"fl_secret" not in file.read_bytes()
    with closing(Database(file)) as again:
        assert again.api_keys == {digest("fl_secret"): identity}


def test_a_change_is_kept_whole_or_not_at_all(file: Path, database: Database) -> None:
    state = begun(database)
    broken = after(state, submission("echo"), Request("PUT", OBJECT.target, Headers((("Content-Type", "\ud800"),)), Inline(b"")))
    with pytest.raises(UnicodeEncodeError):
        database.keep(state, broken)
    database.close()
    assert len(begun_again(file, 9.0).executions) == 0


def test_a_file_that_was_not_begun_whole_is_begun_anew(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(rows, "CREATE_TABLES", (*rows.CREATE_TABLES[:2], "nonsense"))
        with pytest.raises(DatabaseError, match="syntax error"):
            Database(file)
    with closing(Database(file)) as database:
        assert begun(database).seed == SEED


def test_the_file_is_readable_by_its_owner_alone(file: Path) -> None:
    before = os.umask(0)
    try:
        file.touch(0o666)
        with closing(Database(file)) as database:
            begun(database)
            modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {file.name: 0o600, f"{file.name}-wal": 0o600}


def test_a_name_that_sqlite_gives_a_meaning_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Database(":memory:")) as database:
        begun(database)
    assert (tmp_path / ":memory:").stat().st_size > 0


def test_a_file_is_one_emulators_at_a_time(file: Path, database: Database) -> None:
    with pytest.raises(DatabaseInUseError, match=f"{file} is in use by another emulator"):
        Database(file)
    begun(database)
    with pytest.raises(DatabaseInUseError):
        Database(file)
    database.close()
    Database(file).close()


def test_after_its_closing_nothing_is_kept(database: Database) -> None:
    state = begun(database)
    database.close()
    database.close()
    with pytest.raises(DatabaseError, match="closed"):
        database.keep(state, after(state, submission("echo")))


def write_text(file: Path) -> None:
    file.write_text("No database, but a text that is longer than the head of one. " * 40)


def write_sql(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("; ".join(statements))


MARK = f"PRAGMA application_id = {rows.APPLICATION_ID}"


@pytest.mark.parametrize(
    ("statements", "kind", "message"),
    [
        (None, NotADatabaseError, "is not a database"),
        (("CREATE TABLE theirs (a)",), NotADatabaseError, "is the database of another program"),
        (("PRAGMA user_version = 1", "CREATE TABLE theirs (a)"), NotADatabaseError, "is the database of another program"),
        ((MARK, "PRAGMA user_version = 2", "CREATE TABLE a (a)"), UnknownSchemaError, "schema 2, and this emulator reads schema 1 alone"),
        ((MARK, "PRAGMA user_version = 1", "CREATE TABLE a (a)"), DatabaseError, "no such table"),
    ],
)
def test_what_is_no_database_of_ours_is_refused_and_left_as_it_is(
    file: Path, statements: tuple[str, ...] | None, kind: type[DatabaseError], message: str
) -> None:
    if statements is None:
        write_text(file)
    else:
        write_sql(file, *statements)
    before = file.read_bytes()
    with pytest.raises(DatabaseError, match=message) as caught:
        Database(file)
    assert type(caught.value) is kind
    assert str(file) in str(caught.value)
    if kind is not DatabaseError:
        assert (file.read_bytes(), [each.name for each in file.parent.iterdir()]) == (before, [file.name])


@pytest.mark.parametrize("file", [Path("/nowhere/at/all"), Path("/")])
def test_a_place_where_no_file_can_be_is_an_error_that_names_it(file: Path) -> None:
    with pytest.raises(DatabaseError, match=f"^{file}: "):
        Database(file)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE platform SET seed = 'none'",
        "UPDATE executions SET status = 'asleep'",
        "UPDATE api_keys SET org_ids_json = '['",
        "UPDATE api_keys SET org_ids_json = '[\"another\"]'",
    ],
)
def test_values_that_make_no_sense_are_an_error(file: Path, damage: str) -> None:
    golden(file)
    write_sql(file, damage)
    with pytest.raises(DatabaseError, match="is damaged: "):
        begun_again(file, 0.0)


def test_another_seed_than_the_files_is_refused(database: Database) -> None:
    begun(database)
    assert begun(database, seed=None).seed == SEED
    with pytest.raises(ValueError, match="seed: "):
        begun(database, seed=UUID(int=1))


def test_components_that_lack_one_that_is_still_to_run_are_refused(file: Path, database: Database) -> None:
    state = begun(database)
    database.keep(state, after(state, TO_OWN))
    other = Component("code_block", "other", "c0de0000-0000-4000-8000-00000000abce", external=True)
    with pytest.raises(
        ValueError, match=f"components: there must be code_block double .{OWN.component_id}., of which an execution is pending"
    ):
        begun(database, 0.0, SEED, other)


def golden(file: Path) -> None:
    write_sql(file, (Path(__file__).parent / "golden" / f"schema_{rows.SCHEMA}.sql").read_text(encoding="utf-8"))


def test_a_file_of_schema_1_is_read_by_every_emulator_that_knows_it(file: Path) -> None:
    golden(file)
    with closing(Database(file)) as database:
        state = begun(database, 2000.0)
        assert list(database.api_keys) == [digest("fl_golden")]
    assert [(each.component.name, each.idempotency_key, each.status) for each in state.executions.values()] == [
        ("echo", "key 1", "completed"),
        ("fail", None, "failed"),
        ("sleep", "key 3", "failed"),
        ("sleep", None, "cancelled"),
        ("answer", "key 5", "pending"),
        ("double", "key 6", "pending"),
    ]
    assert [each.content for each in state.objects.values()] == [b"\0\xff"]
    statuses = [each.status for each in advance(state, 2000.0).executions.values()]
    assert statuses[-2:] == [ExecutionStatus.COMPLETED, ExecutionStatus.PENDING]


def test_tables_change_with_the_number_of_their_schema_alone(file: Path, tmp_path: Path) -> None:
    golden(tmp_path / "golden")
    Database(file).close()
    shapes: list[set[str]] = []
    for each in (file, tmp_path / "golden"):
        with closing(sqlite3.connect(each)) as connection:
            shapes.append({sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")})
    assert shapes[0] == shapes[1]


def test_a_full_disk_keeps_nothing_by_halves_and_with_room_again_all(file: Path, database: Database) -> None:
    state = begun(database)
    large = after(state, submission("echo"), Request("PUT", OBJECT.target, Headers(), Inline(b"x" * 1_000_000)))
    database._connection.execute("PRAGMA max_page_count = 40")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(DatabaseError, match="full"):
        database.keep(state, large)
    database._connection.execute("PRAGMA max_page_count = 1000000")  # pyright: ignore[reportPrivateUsage]
    database.keep(state, large)
    database.close()
    assert len(begun_again(file, 1.0).objects) == 1


def test_a_second_execution_with_one_key_is_not_kept_and_a_bug_of_ours(database: Database) -> None:
    state = begun(database)
    database.keep(state, after(state, MANY[0], MANY[1]))
    other = next(iter(after(state, MANY[1]).executions.values()))
    with pytest.raises(sqlite3.IntegrityError):
        database.keep(state, replace(state, executions=state.executions.with_entry("other", replace(other, execution_id="other"))))
