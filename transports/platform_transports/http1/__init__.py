"""What the native transports share, without any I/O: requests to bytes, bytes to responses, and who holds which connection."""
