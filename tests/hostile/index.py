"""What can go wrong between a client and a server, row by row, and the tests that show what this one does then.

`checks` are names of scripts that run on every transport: of the conformance suite, or of `scripts.py` here. `answers` are cases of
`answers.py`, which run on every transport under a whole client. `tests` are those of one module, for what a transport has no part in.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One fault."""

    fault: str
    checks: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


CORE = "tests/platform_core"
IO = "tests/platform_transports"
EXCHANGE = f"{CORE}/test_exchange.py"

CONNECTING = (
    Row("the name is not known", ("unknown-name",)),
    Row(
        "its lookup hangs",
        ("lookup-hangs", "lookup-hangs-to-the-deadline"),
        tests=(f"{IO}/test_natives.py::test_a_lookup_that_hangs_is_left_behind",),
    ),
    Row(
        "it is no name, or too long for one",
        tests=(
            f"{CORE}/test_origins.py::test_a_base_url_that_breaks_a_rule_is_refused_by_it",
            f"{CORE}/test_origins.py::test_a_very_long_name_is_refused_before_it_is_encoded",
        ),
    ),
    Row("the first of many addresses is dead", ("first-address-refuses", "first-address-is-dead")),
    Row("refused", ("refused",), tests=(f"{EXCHANGE}::test_without_an_answer_only_what_is_harmless_or_unseen_is_repeated",)),
    Row("a black hole", ("nobody-answers", "nobody-answers-to-the-deadline", "connecting-is-bounded-alone")),
    Row(
        "a certificate that has expired, is another host's, or nobody's",
        ("tls-expired", "tls-wrong-host", "tls-unknown-authority"),
        tests=(f"{EXCHANGE}::test_a_final_cause_ends_and_is_not_passing",),
    ),
    Row("the handshake stalls, or ends", ("tls-handshake-stalls", "tls-handshake-stalls-to-the-deadline", "tls-closed-in-the-handshake")),
    Row("TLS to a plain port, or plain to one of TLS", ("tls-to-a-plain-port", "plain-to-a-tls-port", "tls-alert")),
    Row("bytes while TLS is closed", ("tls-closing-over-unread-bytes",)),
    Row(
        "TLS ends without close_notify", ("tls-ends-before-the-answer", "tls-ends-in-the-body", "tls-body-to-the-close-needs-close-notify")
    ),
    Row("closing TLS hangs", ("tls-close-waits-for-nobody",)),
    Row("no descriptor to spare", ("no-descriptor-to-spare",)),
    Row("verification that was off once stays off", ("trust-is-each-transports-own",)),
)

REUSE = (
    Row(
        "closed exactly as we send",
        ("closed-as-we-send", "reset-as-we-send", "no-retry-on-a-kept-connection", "stale-then-broken"),
        tests=(
            f"{EXCHANGE}::test_it_is_repeated_at_once_without_a_pause_and_without_budget",
            f"{EXCHANGE}::test_what_may_have_been_seen_is_not_repeated_without_a_key",
        ),
    ),
    Row(
        "the same on a fresh connection",
        ("closed-before-the-answer", "reset-before-the-answer", "no-retry"),
        tests=(f"{EXCHANGE}::test_the_same_on_a_fresh_connection_is_an_attempt_with_its_pause",),
    ),
    Row("idle for too long", ("idle-connection-expires", "closed-while-idle", "reset-while-idle", "bytes-while-idle")),
    Row(
        "left after it was sent, before it was read whole",
        ("left-in-the-head", "left-in-the-body", "refused-answers-cost-their-connection"),
    ),
    Row("`Connection: close`, or HTTP/1.0", ("not-kept-by-the-server", "not-kept-among-others", "not-kept-in-http-1.0")),
    Row("no length, and not closed", ("body-to-the-close", "not-kept-after-the-close", "stalls-before-the-close", "endless-body")),
    Row("more than the answer", ("not-kept-with-more-bytes", "not-kept-with-one-byte-more", "too-large-then-evil")),
)

SENDING = (
    Row("a reset that loses an early answer", ("early-answer", "early-answer-then-close", "closed-while-sending", "reset-while-sending")),
    Row("a body that can be read once", tests=(f"{CORE}/test_requests.py::test_content_that_is_not_bytes_is_refused",)),
    Row(
        "a body of another length than declared",
        ("body-with-length", "empty-post", "get-without-body"),
        tests=(f"{CORE}/test_messages.py::test_a_header_that_is_the_clients_own_is_refused_without_quoting",),
    ),
    Row("a body over the limit", tests=("tests/flow_sdk/test_wiring.py::test_a_body_over_the_limit_is_refused_before_anything_is_sent",)),
    Row("nobody reads", ("nobody-reads", "large-bodies")),
    Row("`Expect` is never answered", ("no-expectation",)),
    Row("left while sending", ("left-while-sending",)),
    Row("a line break, or what is not Latin-1, in a field", ("field-with-a-line-break", "field-with-nul", "field-not-latin-1")),
)

FRAMING = (
    Row("closed before the status line", ("closed-before-the-answer", "closed-in-the-status-line", "head-cut-off-on-a-kept-connection")),
    Row("closed in the head", ("closed-in-the-head",)),
    Row("a body shorter than announced", ("closed-in-the-body", "closed-after-the-head", "cut-off-on-a-kept-connection")),
    Row("chunks that break off", ("closed-in-a-chunk", "closed-in-a-chunk-size", "no-last-chunk", "closed-in-the-trailer")),
    Row(
        "malformed chunks",
        (
            *("chunk-size-negative", "chunk-size-with-a-prefix", "chunk-size-of-21-digits", "chunk-size-missing"),
            *("chunk-longer-than-its-size", "footer-of-a-chunk-wrong", "trailer-malformed", "chunk-size-forms"),
        ),
    ),
    Row(
        "chunk extensions and trailers, without end",
        (
            *("chunk-extensions-are-ignored", "chunk-extensions-over-the-limit", "endless-chunk-extension"),
            *("trailers-are-ignored", "endless-trailer"),
        ),
    ),
    Row(
        "a length that is none",
        (
            *("length-with-a-sign", "length-negative", "length-with-an-underscore", "length-of-thirty-digits"),
            *("length-empty", "lengths-that-differ", "same-length-twice"),
        ),
    ),
    Row("both framings at once", ("length-and-chunks",)),
    Row("another transfer coding", ("coding-gzip-chunked", "coding-unknown", "coding-twice")),
    Row(
        "interim answers, without end",
        ("interim-answers-are-skipped", "endless-interim-answers", "interim-answers-trickle", "interim-answer-then-closed"),
    ),
    Row("101, unasked", ("unasked-upgrade",)),
    Row(
        "a body where there is none",
        (
            *("no-content-with-a-body", "not-modified-with-a-body", "reset-content-with-a-body", "head-with-a-body"),
            *("no-content-with-a-length", "not-modified-with-a-length", "head-with-a-length", "head-with-chunks"),
        ),
    ),
    Row(
        "a status that HTTP does not have",
        ("status-of-two-digits", "status-000", "status-099", "status-600", "status-999"),
        ("a status that HTTP does not have",),
    ),
    Row("a status that nobody knows", ("status-499", "status-599"), ("a status that nobody knows",)),
    Row("what h11 forgives", ("no-reason-phrase", "folded-field", "bare-line-feeds", "space-around-values")),
    Row("something before the status line, or another protocol", ("empty-line-before-the-answer", "not-http")),
    Row("malformed fields", ("space-before-the-colon", "name-empty", "no-colon", "nul-in-a-value", "bare-cr-in-a-value")),
    Row("a huge head, or thousands of fields", ("head-over-the-limit", "fields-over-the-limit", "endless-head", "endless-field")),
    Row("a byte now and then", ("head-trickles", "body-trickles", "chunks-trickle", "stalls-then-trickles")),
    Row("a head, and then nothing", ("stalls-in-the-body", "stalls-in-the-head", "stalls-in-a-chunk", "no-answer")),
    Row("a body without end", ("endless-body", "endless-chunks", "body-over-the-limit", "chunks-over-the-limit")),
    Row("a huge length, and few bytes", ("huge-length-few-bytes",)),
)

DECODING = (
    Row("a gzip bomb", ("gzip-bomb-is-not-expanded",), ("a gzip bomb",)),
    Row("a chain of codings", ("unknown-coding",), ("a chain of codings",)),
    Row(
        "a gzip that broke off, a coding that nobody knows",
        ("truncated-gzip-is-not-noticed", "gzip-is-not-decoded"),
        ("a gzip that broke off", "a coding that nobody knows"),
    ),
    Row("decoding what nobody wants", ("refused-answers-cost-their-connection", "redirect-302-is-an-answer"), ("a redirect",)),
    Row("invalid UTF-8", ("body-of-any-bytes",), ("invalid UTF-8",)),
    Row("a byte order mark, UTF-16", answers=("a byte order mark", "UTF-16")),
    Row("NaN, Infinity, 1e400", answers=("NaN", "a number that is too large")),
    Row("a key that stands twice", answers=("a key that stands twice",)),
    Row(
        "deep nesting",
        answers=("deep nesting",),
        tests=(f"{CORE}/test_strict_json.py::test_a_limit_beyond_the_stack_ends_in_the_same_error",),
    ),
    Row("no record where one is due", answers=("an empty body", "no object", "a page", "a page that says it is JSON")),
    Row("another type than the documented one", answers=("true for a number", "a number in a string", "null for a string")),
    Row("a media type in any form", answers=("the record", "a media type in any case, with parameters", "a problem (RFC 9457)")),
    Row("a page of a proxy", answers=("a page of a proxy",)),
)

CONCURRENCY = (
    Row(
        "cancelled at every await",
        ("left-at-once", "left-while-waiting", "left-while-others-go-on", "tls-handshake-left"),
        tests=(f"{IO}/test_natives_sweep.py::test_a_send_that_is_cancelled_anywhere_loses_nothing",),
    ),
    Row(
        "cancelled again in the clean-up",
        tests=(
            f"{IO}/test_natives_sweep.py::test_an_execution_that_is_cancelled_anywhere_loses_nothing",
            f"{IO}/test_drive_cancellation.py::test_the_cleanup_ends_after_five_seconds",
        ),
    ),
    Row("wait_for hides a cancel", tests=("tests/hostile/test_structure.py::test_nobody_waits_by_asyncio_wait_for",)),
    Row(
        "what is cancelled is no Exception",
        tests=(
            f"{IO}/test_drive_cancellation.py::test_a_cancellation_at_any_await_leaves_no_execution_running_and_is_raised_again",
            f"{IO}/test_drive_interrupts.py::test_an_interrupt_at_any_line_leaves_no_execution_running_and_is_raised_again",
        ),
    ),
    Row(
        "an interrupt between sending and reading",
        ("left-in-the-head", "left-in-the-body"),
        tests=(f"{IO}/test_sync_interrupts.py::test_a_send_that_is_interrupted_anywhere_loses_nothing",),
    ),
    Row("an async generator that is left", tests=("tests/hostile/test_structure.py::test_no_public_method_is_an_async_generator",)),
    Row(
        "used from a second event loop",
        tests=(
            "tests/flow_sdk/test_binding.py::test_a_second_loop_is_refused_before_anything_is_sent",
            f"{IO}/test_asyncio.py::test_a_second_event_loop_is_refused_before_anything_is_sent",
            f"{IO}/test_trio.py::test_a_second_event_loop_is_refused_before_anything_is_sent_or_closed",
        ),
    ),
    Row(
        "fork with an open pool", tests=(f"{IO}/test_sync.py::test_a_fork_has_connections_of_its_own_and_leaves_those_of_its_parent_alone",)
    ),
    Row("many threads, one client", ("answers-are-not-mixed-up",), tests=(f"{IO}/test_sync.py::test_many_threads_share_few_connections",)),
    Row(
        "closed while calls are in flight",
        ("closing-before-the-answer", "closing-within-the-answer", "closing-while-waiting", "closing-closes"),
        tests=(f"{IO}/test_sync.py::test_closing_ends_the_calls_of_all_threads_those_that_wait_too",),
    ),
)

ROWS: dict[str, tuple[Row, ...]] = {
    "connecting": CONNECTING,
    "reuse": REUSE,
    "sending": SENDING,
    "framing": FRAMING,
    "decoding": DECODING,
    "concurrency": CONCURRENCY,
}
