from hashlib import sha256

import pytest

from platform_core.messages import Headers, Inline, Request, Response
from platform_emulator.callers import Caller
from platform_emulator.components import ORG_ID, OTHER_ORG_ID
from platform_emulator.made_up import INLINE_BYTES_MAX, Measured, missing_part
from platform_emulator.model import Behaviour, State, apply, initial
from platform_emulator.objects import NAME_LENGTH_MAX
from tests.platform_emulator.support import SEED, parsed

OBJECTS = f"/api/v1/orgs/{ORG_ID}/storage/objects"


def put(state: State, path: str, content: bytes, content_type: str | None = "application/pdf") -> tuple[State, Response]:
    headers = Headers(() if content_type is None else (("Content-Type", content_type),))
    return apply(state, Request("PUT", path, headers, Inline(content)), 0.0)


def read(state: State, path: str, method: str = "GET", headers: Headers | None = None) -> Response:
    return apply(state, Request(method, path, headers or Headers()), 0.0)[1]


def part(state: State, path: str, **headers: str) -> Response:
    return read(state, path, headers=Headers(tuple((name.replace("_", "-"), value) for name, value in headers.items())))


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
    digest = sha256(content).hexdigest()
    assert parsed(written) == {"name": "my-file.pdf", "content_type": read_as, "size_bytes": len(content), "sha256": digest}
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


@pytest.mark.parametrize("name", [".", "..", "%2E%2e", "a" * (NAME_LENGTH_MAX + 1), "generated-5"])
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


def test_a_part_is_206_with_the_tag_of_the_whole() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"0123456789")
    whole, response = read(state, f"{OBJECTS}/a"), part(state, f"{OBJECTS}/a", Range="bytes=7-")
    assert (response.status, response.body, response.headers.get("Content-Range")) == (206, b"789", "bytes 7-9/10")
    assert response.headers.get("ETag") == whole.headers.get("ETag") == f'"{sha256(b"0123456789").hexdigest()}"'
    assert whole.headers.get("Accept-Ranges") == "bytes"


def test_a_part_of_what_has_changed_since_is_the_whole() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"0123456789")
    etag = read(state, f"{OBJECTS}/a").headers.get("ETag") or ""
    assert part(state, f"{OBJECTS}/a", Range="bytes=7-", If_Range=etag).status == 206
    state, _ = put(state, f"{OBJECTS}/a", b"abcdefghij")
    response = part(state, f"{OBJECTS}/a", Range="bytes=7-", If_Range=etag)
    assert (response.status, response.body) == (200, b"abcdefghij")


def test_a_part_beyond_the_end_is_416_and_tells_the_size() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"0123456789")
    response = part(state, f"{OBJECTS}/a", Range="bytes=10-")
    assert (response.status, response.headers.get("Content-Range")) == (416, "bytes */10")


def test_a_head_ignores_the_range() -> None:
    state, _ = put(initial(SEED), f"{OBJECTS}/a", b"0123456789")
    response = read(state, f"{OBJECTS}/a", "HEAD", Headers((("Range", "bytes=7-"),)))
    assert (response.status, response.headers.get("Content-Length")) == (200, "10")


def test_a_platform_without_ranges_sends_the_whole() -> None:
    state, _ = put(initial(SEED, Behaviour(serves_ranges=False)), f"{OBJECTS}/a", b"0123456789")
    response = part(state, f"{OBJECTS}/a", Range="bytes=7-")
    assert (response.status, response.body, "Accept-Ranges" in response.headers) == (200, b"0123456789", False)


def test_a_generated_object_lies_nowhere_and_has_its_size() -> None:
    state = initial(SEED)
    whole = read(state, f"{OBJECTS}/generated-100000")
    assert (len(whole.body), whole.headers.get("ETag")) == (100_000, '"generated-100000"')
    assert part(state, f"{OBJECTS}/generated-100000", Range="bytes=65530-65600").body == whole.body[65530:65601]
    assert len(state.objects) == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_large_generated_object_is_told_and_not_held(method: str) -> None:
    path, size_bytes = f"{OBJECTS}/generated-{2**40}", 2**40
    response = read(initial(SEED), path, method)
    assert (response.status, response.body, response.headers.get("Content-Length")) == (200, b"", str(size_bytes))
    assert missing_part(Request(method, path), response) == ((0, size_bytes) if method == "GET" else None)


def test_a_large_part_of_a_generated_object_is_told_and_not_held() -> None:
    path = f"{OBJECTS}/generated-{2 * INLINE_BYTES_MAX}"
    response = part(initial(SEED), path, Range="bytes=5-")
    assert (response.status, response.body) == (206, b"")
    assert missing_part(Request("GET", path), response) == (5, 2 * INLINE_BYTES_MAX)
    assert missing_part(Request("GET", path), part(initial(SEED), path, Range=f"bytes={INLINE_BYTES_MAX}-")) is None


def test_what_is_discarded_is_measured_and_not_there_afterwards() -> None:
    state, written = put(initial(SEED), f"{OBJECTS}/discarded", b"12345")
    assert parsed(written)["sha256"] == sha256(b"12345").hexdigest()
    measured = Request("PUT", f"{OBJECTS}/discarded", body=Measured(5, replayable=False, sha256="abc"))
    assert parsed(apply(state, measured, 0.0)[1]) == {
        "name": "discarded",
        "content_type": "application/octet-stream",
        "size_bytes": 5,
        "sha256": "abc",
    }
    assert (state, read(state, f"{OBJECTS}/discarded").status) == (initial(SEED), 404)
