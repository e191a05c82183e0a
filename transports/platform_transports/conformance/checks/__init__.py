"""All checks, in groups, in the order in which a table shows them."""

from platform_transports.conformance.check import Check

from . import answers, connecting, errors, flows, leaving, refusals, reuse, sending, tls

GROUPS: dict[str, tuple[Check, ...]] = {
    "connecting": connecting.CHECKS,
    "TLS": tls.CHECKS,
    "sending": sending.CHECKS,
    "answers": answers.CHECKS,
    "refused answers": refusals.CHECKS,
    "reuse of connections": reuse.CHECKS,
    "deadlines, leaving, closing": leaving.CHECKS,
    "errors": errors.CHECKS,
    "bodies that flow": flows.CHECKS,
}
CHECKS: dict[str, Check] = {check.name: check for checks in GROUPS.values() for check in checks}
"""By name."""

assert len(CHECKS) == sum(map(len, GROUPS.values())), "each name stands for one check"
