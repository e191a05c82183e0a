"""What the example transports cannot do, by check, with the reason: the library underneath, and its issue where there is one."""

from collections.abc import Mapping


def _by_check(reasons: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {check: reason for reason, checks in reasons.items() for check in checks}


_RAGGED_END = "any end of TLS is taken for its end, as by Python's ssl as it stands (python/cpython#72002)"
_OWN_RESOLVER = "names are looked up in C, out of reach of the check"
_LOOKUPS = ("lookup-hangs", "lookup-hangs-to-the-deadline")
_ADDRESSES = ("first-address-refuses", "first-address-is-dead")

AIOHTTP = _by_check(
    {
        _RAGGED_END: ("tls-body-to-the-close-needs-close-notify",),
        "aiohttp sends header fields in UTF-8 (aio-libs/aiohttp#7943)": ("fields-in-order",),
        "aiohttp's parser refuses the same length twice": ("same-length-twice",),
        "aiohttp's parser forgives an empty line before the answer": ("empty-line-before-the-answer",),
        "aiohttp takes any number of digits for a chunk's size": ("chunk-size-of-21-digits",),
        "a malformed chunk is an error to aiohttp in one piece, and never ends where the network cuts it (aio-libs/aiohttp#10355)": (
            *("chunk-size-negative", "chunk-size-with-a-prefix", "chunk-size-missing", "chunk-longer-than-its-size", "trailer-malformed"),
        ),
        "aiohttp does not tell a head that broke off from none": (
            *("closed-in-the-status-line", "closed-in-the-head", "head-cut-off-on-a-kept-connection"),
        ),
        "aiohttp's own limits end it, as an answer that is none": ("endless-head", "endless-field", "endless-trailer"),
        "aiohttp skips interim answers without a count": ("endless-interim-answers",),
        "aiohttp drops chunk extensions without a count": ("chunk-extensions-over-the-limit", "endless-chunk-extension"),
        "aiohttp keeps what came after an answer for the next one (aio-libs/aiohttp#3979)": (
            "not-kept-with-one-byte-more",
            "bytes-while-idle",
        ),
        "aiohttp refuses an answer to HEAD that has a body (aio-libs/aiohttp#820)": ("head-with-a-body",),
    }
)
AIOHTTP_UVLOOP = AIOHTTP | _by_check({_OWN_RESOLVER: (*_LOOKUPS, *_ADDRESSES)})

URLLIB3 = _by_check(
    {
        "nothing bounds getaddrinfo in the thread that calls it (urllib3/urllib3#1334)": _LOOKUPS,
        _RAGGED_END: ("tls-body-to-the-close-needs-close-notify",),
        "urllib3 has one exception for all that ends a connection, in the handshake as well": ("tls-reset-in-the-handshake",),
        "before Python 3.13, urllib3 leaves the socket of an interrupted handshake open": ("tls-handshake-left",),
        "urllib3 writes %2e as %2E (urllib3/urllib3#3081)": ("targets",),
        "urllib3 reads once it has sent, and has no name for a send that takes too long (psf/requests#5425)": (
            "early-answer",
            "nobody-reads",
        ),
        "urllib3 keeps no case of a name that is repeated": ("fields-keep-order-and-case",),
        "http.client knows 100 of the interim answers, and does not count it (python/cpython#150743)": (
            "interim-answers-are-skipped",
            "endless-interim-answers",
        ),
        "http.client leaves space behind a value": ("space-around-values",),
        "http.client does not tell what broke off from what is malformed": (
            *("closed-in-the-status-line", "closed-in-a-chunk", "closed-in-a-chunk-size", "no-last-chunk", "closed-in-the-trailer"),
            "head-cut-off-on-a-kept-connection",
        ),
        "http.client reads lengths as int() does, and none where there is no telling (python/cpython#150751)": (
            *("length-with-a-sign", "length-negative", "length-with-an-underscore", "length-of-thirty-digits", "length-empty"),
        ),
        "http.client reads the sizes of chunks as int() does, and does not look for their ends (python/cpython#150751)": (
            *("chunk-size-negative", "chunk-size-with-a-prefix", "chunk-size-of-21-digits", "chunk-longer-than-its-size"),
        ),
        "http.client reads fields as those of a mail, and forgives": (
            *("space-before-the-colon", "name-empty", "no-colon", "nul-in-a-value", "bare-cr-in-a-value", "trailer-malformed"),
        ),
        "http.client's own limits end it, as an answer that is none": ("endless-head", "endless-field", "endless-chunk-extension"),
        "http.client reads a trailer, and chunk extensions, without a limit (python/cpython#150743)": (
            "endless-trailer",
            "chunk-extensions-over-the-limit",
        ),
        "http.client leaves what came after an answer in a buffer, where urllib3 does not look for it": (
            *("not-kept-with-more-bytes", "not-kept-with-one-byte-more", "no-content-with-a-body", "not-modified-with-a-body"),
            "head-with-a-body",
        ),
        "urllib3 keeps connections for as long as the server does": ("idle-connection-expires",),
        "urllib3 has timeouts for each read, none for the whole (urllib3/urllib3#1271)": ("head-trickles",),
        "urllib3 puts back a connection that it never had where it is interrupted while it waits for one": ("left-while-waiting",),
        "urllib3 has no way to end a call from another thread (urllib3/urllib3#1602)": (
            *("closing-before-the-answer", "closing-within-the-answer", "closing-while-waiting"),
        ),
    }
)

CURL = _by_check(
    {
        _OWN_RESOLVER: (*_LOOKUPS, *_ADDRESSES),
        "the example keeps no connection, since curl would repeat what it sent on one that is dead (curl/curl#18417)": (
            *("connection-is-kept", "kept-after-chunks", "kept-after-head", "kept-after-an-error", "kept-after-no-content"),
            *("closed-as-we-send", "reset-as-we-send", "cut-off-on-a-kept-connection", "head-cut-off-on-a-kept-connection"),
            *("no-retry-on-a-kept-connection", "tls-calls-share-a-connection", "answers-are-not-mixed-up"),
        ),
        "the example has no limit of connections": ("waiting-is-not-sending", "left-while-waiting", "closing-while-waiting"),
        "curl has one code for all that goes wrong in a handshake": ("tls-closed-in-the-handshake", "tls-reset-in-the-handshake"),
        "curl has one code for all that goes wrong in receiving": (
            *("closed-in-the-status-line", "closed-in-the-head", "tls-ends-in-the-body", "tls-body-to-the-close-needs-close-notify"),
            *(
                "chunk-size-negative",
                "chunk-size-of-21-digits",
                "chunk-size-missing",
                "chunk-longer-than-its-size",
                "endless-interim-answers",
            ),
        ),
        "curl writes %2e as %2E (curl/curl#21524)": ("targets",),
        "curl goes on with 101 as if it had asked": ("unasked-upgrade",),
        "curl takes a length that is too long for none": ("length-of-thirty-digits",),
        "curl forgives what is no field's name": ("space-before-the-colon", "name-empty"),
        "curl's own limits end it, as an answer that is none": ("endless-head", "endless-field", "endless-trailer"),
        "curl drops chunk extensions without a count": ("chunk-extensions-over-the-limit", "endless-chunk-extension"),
    }
)
