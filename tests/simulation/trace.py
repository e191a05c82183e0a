"""A simulated run for a reader: its profile, a sequence diagram of all that happened, and how it is run again."""

from collections.abc import Iterator

from platform_core.actions import Authorize, Done, Gone, Raise, Send, Sleep
from platform_core.outcomes import Abandoned, Outcome
from platform_transports.fake import Answer, Lose
from tests.exploration.diagram import Chart
from tests.exploration.network import status_in, words_of
from tests.exploration.world import CALLER, CLIENT, PLATFORM

from .network import Met
from .shadow import Seen
from .simulate import Simulated
from .swarm import Profile

_LANES = {CALLER: 8, CLIENT: 22, PLATFORM: 90}


def replay_command(seed: int, world: str, mode: str) -> str:
    """What runs it again."""
    return f"make simulate SEED={seed} WORLD={world} MODE={mode}"


def told(run: Simulated, world: str) -> str:
    """All of it."""
    profile = run.profile
    lines = [*_of_profile(profile, world), "", str(_chart(run)), ""]
    lines += [f"call {index} ended: {end}" for index, end in enumerate(run.trace.ends)]
    lines += ["", *(run.problems or ["nothing is wrong"]), "", replay_command(profile.seed, world, profile.mode)]
    return "\n".join(lines)


def _of_profile(profile: Profile, world: str) -> Iterator[str]:
    yield f"seed {profile.seed}, {world}, {profile.mode}"
    for call in profile.calls:
        left = "".join(f", left at {at:.3f}" for at in call.leaves_at)
        what = f"{call.kind} {call.component}, {call.work_seconds:.3f} s"
        of = (
            ""
            if call.of is None
            else f", by the {'first ' if call.from_first else ''}handle of call {call.of}, {call.starts_at:.3f} s later"
        )
        yield f"  call {call.index}: {what}{of}, from {call.starts_at:.3f}{left}, {call.on_abandon}"
    yield f"  {profile.behaviour}"
    yield f"  faults: {', '.join(f'{kind} {rate:.2f}' for kind, rate in profile.rates.items()) or 'none'}"
    yield (
        f"  keyed {profile.keyed}, timeout {profile.timeout_seconds:g} s, budget {profile.budget}, "
        f"late by {profile.lateness_seconds:.3f} s, token {profile.has_token}, {profile.provider}, closed at {profile.closes_at}, "
        f"crashed at {profile.crashes_at}, journal {profile.has_journal}, in a row {profile.row}"
    )


def _chart(run: Simulated) -> Chart:
    """Each request as an arrow there and one back, each decision as a note, in the order of virtual time."""
    chart = Chart(_LANES)
    several = len(run.profile.calls) > 1
    entries: list[tuple[float, int, Met | Seen]] = [(met.at, met.call, met) for met in run.trace.met]
    entries += [(seen.at, call, seen) for call, row in enumerate(run.trace.seen) for seen in row]
    for at, call, entry in sorted(entries, key=lambda each: (each[0], isinstance(each[2], Met))):
        who = f"[{call}] " if several else ""
        if isinstance(entry, Met):
            _arrows(chart, who, entry)
        else:
            if isinstance(entry.outcome, Abandoned):
                chart.arrow(CALLER, CLIENT, "leaves")
            chart.note(CLIENT, f"{who}{at:.3f} {_outcome(entry.outcome)}; {type(entry.after).__name__}: {_action(entry.action)}")
    return chart


def _arrows(chart: Chart, who: str, met: Met) -> None:
    fault = f", {met.fault}" if met.fault else ""
    chart.arrow(CLIENT, PLATFORM, f"{who}{words_of(met.request)}{fault}", lost=isinstance(met.act, Lose))
    if isinstance(met.act, Answer):
        chart.arrow(PLATFORM, CLIENT, f"{who}{_answer(met.act)}, after {met.act.after_seconds:.3f} s")


def _answer(act: Answer) -> str:
    status = status_in(act.response)
    return f"{act.response.status}{'' if status is None else ' ' + status}"


def _outcome(outcome: Outcome) -> str:
    fields = [str(getattr(outcome, name)) for name in ("cause", "sent", "reason", "final") if hasattr(outcome, name)]
    return f"{type(outcome).__name__}({', '.join(fields)})" if fields else type(outcome).__name__


def _action(action: object) -> str:
    match action:
        case Send(request, deadline):
            return f"send {words_of(request)} by {deadline:.3f}"
        case Sleep(until, cost):
            return f"sleep until {until:.3f}{f' for {cost}' if cost else ''}"
        case Authorize(rejected):
            return f"ask for a token{'' if rejected is None else f' later than {rejected}'}"
        case Done():
            return "the end, well"
        case Raise(failure):
            return f"the end, {failure.error.__name__}: {failure.message}"
        case Gone(report):
            return f"the end, {report}"
        case _:
            return str(action)
