"""Certificates for servers on loopback, made for one run of the suite. Needs trustme, which comes with the extra `testing`."""

# trustme also takes contexts of a library that is not here.
# pyright: reportUnknownMemberType=false

import datetime as dt
import ssl
from functools import cache

try:
    import trustme
except ModuleNotFoundError as _error:
    if _error.name != "trustme":
        raise
    _message = "the suite makes its certificates by trustme: install platform-client[testing]"
    raise ImportError(_message) from None

NOW = dt.datetime.now(dt.UTC)


@cache
def authority() -> trustme.CA:
    """Who signs."""
    return trustme.CA()


@cache
def trusting() -> ssl.SSLContext:
    """A client's context that knows the authority, and presents a certificate where it is asked for one."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    authority().issue_cert("client@platform.test").configure_cert(context)
    return context


@cache
def distrusting() -> ssl.SSLContext:
    """A client's context that knows none but the system's authorities."""
    return ssl.create_default_context()


@cache
def serving(*names: str, expired: bool = False, asks_client: bool = False) -> ssl.SSLContext:
    """A server's context, with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begins, ends = (NOW - dt.timedelta(days=2), NOW - dt.timedelta(days=1)) if expired else (None, None)
    authority().issue_cert(*names, not_before=begins, not_after=ends).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        authority().configure_trust(context)
    return context
