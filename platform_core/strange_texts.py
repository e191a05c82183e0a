"""A stranger's text, made fit for an error: one short line that steers nothing and holds nothing that looks like a token.

There are servers that echo the request, credentials and all, and errors end in logs. A token of another look cannot be known here:
whoever holds it has to look for it.
"""

import re

CUT = "<cut>"
"""What stands in place of what looks like a token."""
_BREAKS = "[\x00-\x20\x7f-\x9f\u2028\u2029]+"
_BIDI = "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
_AFTER_ESCAPE = r"(?<=\\[bfnrt])"
"""In a JSON text a line break is a backslash and a letter, behind which no word seems to begin."""
_BEGINS = rf"(?:\b|{_AFTER_ESCAPE})"
# A bearer token, an API key, a JWT, were it cut off by the end of what is looked at.
# The lengths leave "bearer token" and "fl_" alone, the look-behind keeps it linear.
_SECRET = (
    rf"(?a){_BEGINS}(?i:bearer[ :=]+)[A-Za-z0-9\-._~+/]{{16,}}=*|{_BEGINS}fl_[A-Za-z0-9\-._~+/]{{8,}}=*"
    rf"|(?:(?<![\w\-])|{_AFTER_ESCAPE})eyJ[\w\-]+\.[\w\-]+(?:\.[\w\-]*|\Z)"
)
_SECRET_BYTES = _SECRET.encode()


def one_line(value: object, length_max: int) -> str:
    """The text on one line, without control characters and changes of direction; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return without_secrets(re.sub(_BIDI, "", re.sub(_BREAKS, " ", value))).strip()[:length_max]


def without_secrets(text: str) -> str:
    """The text, with `CUT` in place of what looks like a token."""
    return re.sub(_SECRET, CUT, text)


def first_bytes(body: bytes, bytes_max: int) -> bytes:
    """The beginning of a body, with `CUT` in place of each of what looks like a token and begins there."""
    kept, end = bytearray(), 0
    # Looked for beyond what is kept, or the first half of a token could stay at its end.
    for token in re.finditer(_SECRET_BYTES, body[: 2 * bytes_max]):
        if token.start() >= bytes_max:
            break
        kept += body[end : token.start()] + CUT.encode()
        end = token.end()
    kept += body[end:bytes_max]
    return bytes(kept[:bytes_max])
