import pytest

from platform_core.messages import Headers, Inline, Request, Response
from platform_emulator.callers import Caller
from platform_emulator.components import ORG_ID, OTHER_ORG_ID
from platform_emulator.model import State, apply, initial
from platform_emulator.objects import NAME_LENGTH_MAX
from tests.platform_emulator.support import SEED, parsed

OBJECTS = f"/api/v1/orgs/{ORG_ID}/storage/objects"


def put(state: State, path: str, content: bytes, content_type: str | None = "application/pdf") -> tuple[State, Response]:
    headers = Headers(() if content_type is None else (("Content-Type", content_type),))
    return apply(state, Request("PUT", path, headers, Inline(content)), 0.0)


def read(state: State, path: str, method: str = "GET") -> Response:
    return apply(state, Request(method, path), 0.0)[1]


@pytest.mark.parametrize(
    ("content", "content_type", "read_as"),
    [
        (bytes(range(256)), "application/pdf", "application/pdf"),
        (b"", "text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        (b"{broken", "application/json", "application/json"),
        (b"x", None, "application/octet-stream"),
    ],
)
def test_the_same_bytes_and_content_type_come_out(content: bytes, content_type: str | None, read_as: str) -> None:
    state, written = put(initial(SEED), f"{OBJECTS}/my-file.pdf", content, content_type)
    assert written.status == 201
    assert parsed(written) == {"name": "my-file.pdf", "content_type": read_as, "size_bytes": len(content)}
    response = read(state, f"{OBJECTS}/my-file.pdf")
    assert (response.status, response.body, response.headers.get_all("Content-Type")) == (200, content, (read_as,))


def test_a_head_tells_the_size() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"12345")
    response = read(state, f"{OBJECTS}/a", "HEAD")
    assert (response.body, response.headers.get("Content-Length"), response.headers.get("Content-Type")) == (b"", "5", "application/pdf")


def test_a_second_one_of_the_same_name_takes_the_place_of_the_first() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"1")
    state, second = put(state, f"{OBJECTS}/a", b"2", "text/plain")
    assert second.status == 200
    assert (read(state, f"{OBJECTS}/a").body, len(state.objects)) == (b"2", 1)


@pytest.mark.parametrize(("one", "other"), [("a%2Fb", "a%2fb"), ("a%20b", "%61%20b"), ("%C3%A9", "%c3%a9"), ("%25", "%25")])
def test_a_name_is_one_segment_and_compares_decoded(one: str, other: str) -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/{one}", b"1")
    assert read(state, f"{OBJECTS}/{other}").status == 200


def test_the_name_in_the_answer_is_decoded() -> None:
    _, response = put(initial(SEED), f"{OBJECTS}/a%2Fb%20%C3%A9", b"1")
    assert parsed(response)["name"] == "a/b é"


@pytest.mark.parametrize("name", [".", "..", "%2E%2e", "a" * (NAME_LENGTH_MAX + 1)])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    state, response = put(initial(SEED), f"{OBJECTS}/{name}", b"1")
    assert (response.status, parsed(response)["details"][0]["field"]) == (422, "name")
    assert state == initial(SEED)


@pytest.mark.parametrize(("name", "status"), [("", 404), ("a/b", 404), ("%", 400), ("%FF", 400), ("a%2", 400)])
def test_a_path_that_holds_no_name_is_refused(name: str, status: int) -> None:
    assert put(initial(SEED), f"{OBJECTS}/{name}", b"1")[1].status == status


def test_objects_are_bounded_each_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform_emulator.objects.OBJECT_BYTES_MAX", 10)
    monkeypatch.setattr("platform_emulator.objects.ALL_BYTES_MAX", 15)
    state, statuses = initial(SEED), list[int]()
    for name, size in [("a", 11), ("a", 10), ("b", 6), ("b", 5), ("a", 9), ("b", 6)]:
        state, response = put(state, f"{OBJECTS}/{name}", b"x" * size)
        statuses.append(response.status)
    assert statuses == [413, 201, 507, 201, 200, 200]


def test_what_was_not_stored_is_404() -> None:
    assert read(initial(SEED), f"{OBJECTS}/a").status == 404


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(("org_id", "status"), [(OTHER_ORG_ID, 403), ("nothing", 404)])
def test_another_organization_is_closed(method: str, org_id: str, status: int) -> None:
    state, response = apply(initial(SEED), Request(method, OBJECTS.replace(ORG_ID, org_id) + "/a"), 0.0)
    assert (state, response.status) == (initial(SEED), status)


def test_each_organization_has_its_own_objects() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"1")
    both = Caller(frozenset({ORG_ID, OTHER_ORG_ID}))
    assert apply(state, Request("GET", OBJECTS.replace(ORG_ID, OTHER_ORG_ID) + "/a"), 0.0, both)[1].status == 404


def test_a_state_shows_no_contents() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"private")
    assert "private" not in repr(state)
