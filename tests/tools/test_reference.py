"""Whether a public name is found in the reference: by where it is defined, by where it is imported from, or as an alias."""

from tools.reference import missing


def test_without_a_page_every_name_is_missing_and_no_helper_is() -> None:
    found = set(missing(set()))
    assert {"flow_sdk.Body", "platform_core.Action", "platform_core.request", "platform_transports.trio.TrioTransport"} <= found
    assert found.isdisjoint({"platform_transports.trio.T", "flow_sdk.logs.REQUEST_ID", "platform_transports.conformance.pytest_configure"})


def test_a_name_is_found_where_it_is_defined_and_where_it_is_imported_from() -> None:
    for anchor in ("flow_sdk.bodies.Body", "flow_sdk.Body"):
        assert "flow_sdk.Body" not in missing({anchor})


def test_a_method_is_not_the_function_of_its_name() -> None:
    anchors = {"flow_sdk.client.PlatformClient.request", "flow_sdk.client.PlatformClient.VERSION"}
    assert {"platform_core.request", "platform_core.VERSION"} <= set(missing(anchors))
    assert {"platform_core.request", "platform_core.VERSION"}.isdisjoint(
        missing({"platform_core.operations.request", "platform_core.version.VERSION"})
    )
