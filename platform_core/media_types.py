"""What `Content-Type` says of a body, by the grammar of HTTP (RFC 9110, section 8.3.1)."""

import re
from typing import NamedTuple

from .messages import Headers

JSON = "application/json"
_UTF_8 = frozenset({"utf-8", "utf8"})
_TOKEN = r"[A-Za-z0-9!#$%&'*+\-.^_`|~]++"
_QUOTED = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*+"'
_PARAMETER = rf";[ \t]*+({_TOKEN})=({_TOKEN}|{_QUOTED})"
# No part can match where another one does, so that a hostile field costs linear time.
_MEDIA_TYPE = rf"({_TOKEN}/{_TOKEN})((?:[ \t]*+;(?:[ \t]*+{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))?+)*+)[ \t]*+"
_ESCAPED = r"\\(.)"


class MediaType(NamedTuple):
    """A media type in lower case, without its parameters but for the values of `charset`."""

    name: str
    charsets: tuple[str, ...]

    @property
    def is_utf_8(self) -> bool:
        """Whether nothing says that the text is in another encoding."""
        return _UTF_8.issuperset(self.charsets)

    @property
    def is_any_json(self) -> bool:
        """Whether it is JSON, as itself or as the syntax of something more special (RFC 6839, section 3.1)."""
        return self.name == JSON or (self.name.startswith("application/") and self.name.endswith("+json"))


PLAIN_JSON = MediaType(JSON, ())
"""What nearly every answer says."""


def media_type(headers: Headers) -> MediaType | None:
    """The media type of an answer; None where there is none, or one that the grammar does not know."""
    text = headers.get("Content-Type")
    if text is None:
        return None
    if text == JSON:
        return PLAIN_JSON
    found = re.fullmatch(_MEDIA_TYPE, text)
    if found is None:
        return None
    parameters = ((name.lower(), value) for name, value in re.findall(_PARAMETER, found[2]))
    return MediaType(found[1].lower(), tuple(_unquoted(value).lower() for name, value in parameters if name == "charset"))


def _unquoted(value: str) -> str:
    return re.sub(_ESCAPED, r"\1", value[1:-1]) if value.startswith('"') else value
