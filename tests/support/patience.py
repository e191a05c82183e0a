"""How long a test waits for what must come to pass, before it calls it a hang."""

HANG_SECONDS = 180.0
"""No fact is tested by it: on a machine with twenty times the work that it has cores for, all that does not hang takes less."""
