"""The version of this client, as servers see it in `User-Agent`."""

VERSION = "0.1.0"
"""By semantic versioning."""
