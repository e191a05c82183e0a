"""Where the platform is: scheme, host, port and path prefix, checked once, before anything is sent there."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

from .messages import encoded_path

_URL = r"(?s)(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://)?(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)"
_AUTHORITY = r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?"
_BLANK = r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_LABEL = r"[a-z0-9_](?:[a-z0-9_\-]*[a-z0-9_])?"
_NUMBER = r"[0-9]+|0x[0-9a-f]*"
_DEVIATIONS = frozenset("\u00df\u03c2\u200c\u200d")
"""IDNA 2003 and 2008 make different hosts of them, and Python's codec is of 2003: to guess might be to call someone else."""
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PORT_MAX = 65_535
_LABEL_LENGTH_MAX = 63
_NAME_LENGTH_MAX = 253
_LOCALHOST = frozenset({"localhost", "::1"})
_LOOPBACK_PREFIX = "127."


class Origin(NamedTuple):
    """`host` is lower-case ASCII, an IPv6 address without brackets; `port` None is the scheme's own; `prefix` is "" or begins with /."""

    scheme: str
    host: str
    port: int | None = None
    prefix: str = ""

    @classmethod
    def parse(cls, base_url: object, *, allow_http: bool = False, parameter: str = "base_url") -> "Origin":
        """The origin of a base URL: https, or http for loopback alone unless `allow_http`.

        Raises `TypeError` or `ValueError` that names the parameter and the rule, and quotes nothing: there may be a password in it.
        """
        if not isinstance(base_url, str):
            message = f"{parameter} must be a str, not {type(base_url).__name__}"
            raise TypeError(message)
        found = re.fullmatch(_URL, base_url)
        assert found is not None, "the expression takes any text"
        authority = re.fullmatch(_AUTHORITY, found["authority"])
        rules = (
            (re.search(_BLANK, base_url), "must not have white space or control characters"),
            ((found["scheme"] or "").lower() not in _DEFAULT_PORTS, "must begin with https://"),
            ("@" in found["authority"], "must not have user info: give the token as auth_token"),
            (found["rest"], "must not have a query or a fragment"),
            (authority is None, "must have a host and, if any, a port of digits"),
        )
        fault = next((rule for broken, rule in rules if broken), None)
        if fault is not None or authority is None:
            message = f"{parameter} {fault}"
            raise ValueError(message)
        scheme = found["scheme"].lower()
        host = _ipv6(authority["ipv6"], parameter) if authority["ipv6"] else _host(authority["name"], parameter)
        loopback = host in _LOCALHOST or (host.startswith(_LOOPBACK_PREFIX) and _is_ipv4(host))
        if scheme == "http" and not loopback and not allow_http:
            message = f"{parameter} must begin with https://, since the token would go out in clear text; allow_http=True permits it"
            raise ValueError(message)
        path = found["path"].rstrip("/")
        return cls(scheme, host, _port(authority["port"], scheme, parameter), encoded_path(path, parameter) if path else "")

    @property
    def base_url(self) -> str:
        """The normal form of the base URL, without a slash at its end."""
        return _base_url(self.scheme, self.host, self.port, self.prefix)

    def url(self, target: str) -> str:
        """The absolute URL of a request's target, which begins with /."""
        assert target.startswith("/"), "a target is in origin-form"
        return self.base_url + target


@lru_cache(maxsize=64)
def _base_url(scheme: str, host: str, port: int | None, prefix: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}{'' if port is None else f':{port}'}{prefix}"


def _ipv6(text: str, parameter: str) -> str:
    try:
        return str(IPv6Address(text))
    except AddressValueError:
        message = f"{parameter} must have an IPv6 address between its brackets"
    raise ValueError(message)


def _host(name: str, parameter: str) -> str:
    """The host in lower-case ASCII. Lengths come first: Python's IDNA codec is slow for long names (CVE-2022-45061)."""
    labels = name.removesuffix(".").split(".")
    if len(name) > _NAME_LENGTH_MAX or any(not 0 < len(label) <= _LABEL_LENGTH_MAX for label in labels):
        message = f"{parameter} must have a host of 1 to 63 characters between dots and 253 in all"
        raise ValueError(message)
    if not _DEVIATIONS.isdisjoint(name):
        message = f"{parameter} must have its host in the xn-- form, since versions of IDNA differ in it"
        raise ValueError(message)
    try:
        host = name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        host = ""
    labels = host.removesuffix(".").split(".")
    # The codec maps look-alikes, a full-width slash for one, so that the outcome is checked and not what went in.
    if len(host) > _NAME_LENGTH_MAX or not all(re.fullmatch(_LABEL, label) for label in labels):
        message = f"{parameter} must have a host name of letters, digits and hyphens, or one that IDNA can encode"
        raise ValueError(message)
    if re.fullmatch(_NUMBER, labels[-1]) and not _is_ipv4(host):
        message = f"{parameter} must have its IPv4 address as four decimal numbers"
        raise ValueError(message)
    return host


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


def _port(text: str | None, scheme: str, parameter: str) -> int | None:
    if text is None:
        return None
    port = int(text)
    if not 0 < port <= _PORT_MAX:
        message = f"{parameter} must have a port from 1 to {_PORT_MAX}"
        raise ValueError(message)
    return None if port == _DEFAULT_PORTS[scheme] else port
