"""What a client is configured with, from arguments and from an environment."""

from typing import Any
from uuid import UUID

import pytest

from platform_core.config import DEFAULT_SETTINGS, ClientConfig, Settings, token_from_env, user_agent
from platform_core.limits import Limits
from platform_core.messages import Headers, Inline, OutgoingRequest, Request
from platform_core.origins import Origin
from platform_core.retry import RetryPolicy
from platform_core.version import VERSION

ID = UUID("2b1f7a9e-0000-4000-8000-00000000abcd")
URL = {"PLATFORM_API_URL": "https://api.example.com"}
FULL = URL | {"ORG_ID": "o", "WORKSPACE_ID": "w", "RING_ID": "r", "PARENT_BILLING_TXN_ID": "t", "LIFECYCLE_EVENT": "test"}


class TestFromEnv:
    def test_an_environment_with_a_url_alone_gives_the_defaults(self) -> None:
        assert ClientConfig.from_env(URL) == ClientConfig(Origin("https", "api.example.com"), Headers(), DEFAULT_SETTINGS)
        assert DEFAULT_SETTINGS.timeout_seconds == 300.0

    def test_what_is_left_out_comes_from_the_environment(self) -> None:
        config = ClientConfig.from_env(FULL)
        assert config.settings == Settings(org_id="o", workspace_id="w", ring_id="r")
        assert config.headers.fields == (("X-Parent-Billing-Txn-Id", "t"), ("X-Lifecycle-Event", "test"), ("X-Workspace-ID", "w"))

    def test_an_argument_overrules_the_environment(self) -> None:
        retry, limits = RetryPolicy(attempts_max=1), Limits(json_depth_max=3)
        config = ClientConfig.from_env(
            FULL,
            base_url="http://other.example",
            org_id=ID,
            workspace_id="mine",
            timeout=5,
            retry=retry,
            limits=limits,
            idempotent_submissions=False,
            allow_http=True,
        )
        assert config.origin == Origin("http", "other.example")
        assert config.headers.get("X-Workspace-ID") == "mine"
        assert config.settings == Settings(5, retry, limits, idempotent_submissions=False, org_id=str(ID), workspace_id="mine", ring_id="r")

    def test_a_url_of_the_environment_may_be_plain_where_that_is_allowed(self) -> None:
        config = ClientConfig.from_env({"PLATFORM_API_URL": "http://other.example"}, allow_http=True)
        assert config.origin == Origin("http", "other.example")

    def test_an_empty_variable_is_as_if_not_set(self) -> None:
        config = ClientConfig.from_env(dict.fromkeys(FULL, ""), base_url="https://api.example.com")
        assert config == ClientConfig.from_env(URL)

    def test_the_environment_is_read_once(self) -> None:
        env = dict(FULL)
        config = ClientConfig.from_env(env)
        env.clear()
        assert config == ClientConfig.from_env(FULL)

    @pytest.mark.parametrize("env", [{}, {"PLATFORM_API_URL": ""}])
    def test_no_base_url_is_refused(self, env: dict[str, str]) -> None:
        with pytest.raises(ValueError, match=r"^base_url is missing: give it, or set PLATFORM_API_URL$"):
            ClientConfig.from_env(env)

    @pytest.mark.parametrize(
        ("env", "given", "error", "text"),
        [
            ({"PLATFORM_API_URL": "http://api.example.com"}, {}, ValueError, "PLATFORM_API_URL must begin with https://"),
            (URL, {"base_url": ""}, ValueError, "base_url must begin with https://"),
            (URL, {"base_url": 5}, TypeError, "base_url must be a str, not int"),
            (URL, {"org_id": 5}, TypeError, "org_id must be a UUID or a str, not int"),
            (URL, {"org_id": ".."}, ValueError, "org_id must not be empty"),
            (URL | {"ORG_ID": ".."}, {}, ValueError, "ORG_ID must not be empty"),
            (URL, {"workspace_id": ""}, ValueError, "workspace_id must not be empty"),
            (URL, {"workspace_id": "\u4e2d"}, ValueError, "workspace_id: the value of X-Workspace-ID must be Latin-1"),
            (URL | {"WORKSPACE_ID": "\u4e2d"}, {}, ValueError, "WORKSPACE_ID: the value of X-Workspace-ID must be Latin-1"),
            (URL | {"WORKSPACE_ID": "a\n"}, {}, ValueError, "WORKSPACE_ID must not have a control character"),
            (URL | {"RING_ID": "a\x00"}, {}, ValueError, "RING_ID must not have a control character"),
            (
                URL | {"PARENT_BILLING_TXN_ID": "s3cret\r\nX: y"},
                {},
                ValueError,
                "PARENT_BILLING_TXN_ID: the value of X-Parent-Billing-Txn-Id must",
            ),
            (URL | {"LIFECYCLE_EVENT": "s3cret\n"}, {}, ValueError, "LIFECYCLE_EVENT: the value of X-Lifecycle-Event must"),
            (URL, {"timeout": 0}, ValueError, "timeout must be a positive"),
            (URL, {"timeout": True}, TypeError, "timeout must be a number"),
            (URL, {"retry": 3}, TypeError, "retry must be a RetryPolicy, not int"),
            (URL, {"limits": {}}, TypeError, "limits must be a Limits, not dict"),
            (URL, {"idempotent_submissions": 1}, TypeError, "idempotent_submissions must be a bool, not int"),
            (URL, {"allow_http": "false"}, TypeError, "allow_http must be a bool, not str"),
        ],
    )
    def test_what_breaks_a_rule_is_refused_by_where_it_came_from(
        self, env: dict[str, str], given: dict[str, Any], error: type[Exception], text: str
    ) -> None:
        with pytest.raises(error, match=f"^{text}") as caught:
            ClientConfig.from_env(env, **given)
        assert "s3cret" not in str(caught.value)

    def test_other_lifecycle_events_than_the_documented_are_sent_as_they_are(self) -> None:
        assert ClientConfig.from_env(URL | {"LIFECYCLE_EVENT": "of my own"}).headers.get("X-Lifecycle-Event") == "of my own"


def test_settings_cannot_be_changed() -> None:
    for value in (DEFAULT_SETTINGS, ClientConfig.from_env(URL)):
        assert not hasattr(value, "__dict__")
        for name in value._fields:
            with pytest.raises(AttributeError):
                setattr(value, name, None)


class TestToken:
    def test_a_given_token_overrules_the_environment(self) -> None:
        token = token_from_env({"AUTH_TOKEN": "env"}, "given", required=True)
        assert token is not None
        assert token.header == ("Authorization", "Bearer given")

    def test_a_token_left_out_comes_from_the_environment(self) -> None:
        token = token_from_env({"AUTH_TOKEN": "fl_env"}, None, required=True)
        assert token is not None
        assert token.header == ("X-API-Key", "fl_env")

    @pytest.mark.parametrize("env", [{}, {"AUTH_TOKEN": ""}])
    def test_a_missing_token_is_refused_where_one_is_required(self, env: dict[str, str]) -> None:
        assert token_from_env(env, None, required=False) is None
        with pytest.raises(ValueError, match=r"^auth_token is missing: give it, give a token_provider, or set AUTH_TOKEN$"):
            token_from_env(env, None, required=True)

    @pytest.mark.parametrize(
        ("env", "given", "parameter"),
        [({}, "s3cret\n", "auth_token"), ({}, "", "auth_token"), ({"AUTH_TOKEN": "s3 cret"}, None, "AUTH_TOKEN")],
    )
    def test_a_bad_token_is_refused_by_where_it_came_from_without_quoting(
        self, env: dict[str, str], given: str | None, parameter: str
    ) -> None:
        with pytest.raises(ValueError, match=f"^{parameter} ") as caught:
            token_from_env(env, given, required=False)
        assert "cret" not in str(caught.value)


class TestWithOptions:
    def test_nothing_given_changes_nothing(self) -> None:
        config = ClientConfig.from_env(FULL)
        assert config.with_options() == config

    def test_what_is_given_stands_in_its_place_and_headers_override_those_of_the_same_name(self) -> None:
        retry = RetryPolicy(attempts_max=1)
        config = ClientConfig.from_env(FULL).with_options(timeout=5, retry=retry, headers={"x-lifecycle-event": "agent_run", "X-A": "b"})
        assert config.settings == Settings(5, retry, org_id="o", workspace_id="w", ring_id="r")
        assert config.headers.fields == (
            ("x-lifecycle-event", "agent_run"),
            ("X-A", "b"),
            ("X-Parent-Billing-Txn-Id", "t"),
            ("X-Workspace-ID", "w"),
        )

    @pytest.mark.parametrize(
        ("options", "error"),
        [
            ({"timeout": -1}, "timeout must be a positive and finite number of seconds"),
            ({"retry": "never"}, "retry must be a RetryPolicy, not str"),
            ({"headers": {"Host": "a"}}, "headers must not have Host: the client sets it"),
            ({"headers": {"idempotency-key": "a"}}, "headers must not have idempotency-key for all requests: give it to the one .*"),
            ({"headers": {"Accept": "a"}}, "headers must not have Accept for all requests: give it to the one request that it is for"),
        ],
    )
    def test_what_cannot_be_used_is_refused_by_name(self, options: dict[str, Any], error: str) -> None:
        with pytest.raises((TypeError, ValueError), match=f"^{error}$"):
            ClientConfig.from_env(FULL).with_options(**options)


class TestOutgoing:
    def test_a_request_gets_an_absolute_url_and_what_stands_in_every_request(self) -> None:
        config = ClientConfig.from_env(FULL, base_url="https://api.example.com/prefix")
        request = Request("POST", "/api/v1/a?b=c", Headers((("Accept", "application/json"),)), Inline(b"{}"))
        assert config.outgoing(request, "agent/1") == OutgoingRequest(
            "POST",
            "https://api.example.com/prefix/api/v1/a?b=c",
            Headers(
                (
                    ("Accept", "application/json"),
                    ("X-Parent-Billing-Txn-Id", "t"),
                    ("X-Lifecycle-Event", "test"),
                    ("X-Workspace-ID", "w"),
                    ("Accept-Encoding", "identity"),
                    ("User-Agent", "agent/1"),
                )
            ),
            Inline(b"{}"),
        )

    def test_a_header_of_the_request_overrules(self) -> None:
        own = Headers((("x-lifecycle-event", "workflow"), ("user-agent", "mine"), ("X-WORKSPACE-ID", "x"), ("Accept-encoding", "gzip")))
        outgoing = ClientConfig.from_env(FULL).outgoing(Request("GET", "/a", own), "agent/1")
        assert outgoing.headers.fields == (*own.fields, ("X-Parent-Billing-Txn-Id", "t"))

    def test_a_header_of_the_client_overrules_what_the_client_says_of_itself(self) -> None:
        config = ClientConfig.from_env(URL).with_options(headers={"user-agent": "mine", "accept-encoding": "gzip"})
        assert config.outgoing(Request("GET", "/a"), "agent/1").headers.fields == (("user-agent", "mine"), ("accept-encoding", "gzip"))


class TestUserAgent:
    def test_it_names_version_python_and_transport(self) -> None:
        assert user_agent("httpx/0.28.1", "3.12") == f"platform-client/{VERSION} (python/3.12; httpx/0.28.1)"

    def test_a_transport_whose_name_no_header_may_have_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"^transport\.name: "):
            user_agent("a\nb", "3.12")
