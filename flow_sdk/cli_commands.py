"""The commands of `platform-client`: what they take, and which call of the client each of them is."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, assert_never

import typer

from platform_core.operations import POLL_SECONDS_MAX
from platform_core.records import ExecutionRecord
from platform_core.strange_texts import one_line
from platform_core.version import VERSION

from .cli import emulator as serve_emulator
from .cli_ends import MEANINGS, Commands, ExitCode, json_text, perform, say_error, show_json, write, write_to
from .cli_input import WHERE, bytes_of, json_of, pairs_of
from .cli_view import View
from .replaying import print_replay
from .sync_client import SyncPlatformClient

_WIDTH_MAX = 200
_CODES = "\n".join(f"{code.value:>5}  {meaning}" for code, meaning in MEANINGS.items())
app: typer.Typer = typer.Typer(
    help="The platform from a shell. PLATFORM_API_URL and AUTH_TOKEN say where it is and who asks.",
    epilog=f"\b\nExit codes:\n{_CODES}",
    cls=Commands,
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Kind(StrEnum):
    """What can be run."""

    CODE_BLOCK = "code-block"
    AGENT = "agent"
    WORKFLOW = "workflow"


OfKind = Annotated[Kind, typer.Argument(metavar="KIND", help="What it is.", show_default=False)]
ComponentId = Annotated[str, typer.Argument(metavar="ID", help="Its id.", show_default=False)]
ExecutionId = Annotated[str, typer.Argument(metavar="EXECUTION_ID", help="What `submit` printed.", show_default=False)]
Input = Annotated[str | None, typer.Option("--input", "-i", metavar="JSON", help=f"Its inputs: {WHERE}.")]
Context = Annotated[str | None, typer.Option("--context", metavar="JSON", help=f"Its context: {WHERE}.")]
Mode = Annotated[str | None, typer.Option("--execution-mode", metavar="MODE", help="Of an agent.")]
Ring = Annotated[str | None, typer.Option("--ring-id", metavar="ID", help="The ring to run in, in place of RING_ID.")]
Scope = Annotated[str | None, typer.Option("--scope", metavar="NAME", help="The scope to run in.")]
Event = Annotated[str | None, typer.Option("--lifecycle-event", metavar="NAME", help="In place of LIFECYCLE_EVENT.")]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="How long it may take.")]
Interval = Annotated[float, typer.Option("--poll-interval", metavar="SECONDS", help="The longest pause between looks.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole record, or the error, as JSON.")]

ErrorAsJson = Annotated[bool, typer.Option("--json", help="Print an error as JSON, too.")]


def _version(wanted: bool) -> None:  # noqa: FBT001 -- typer calls it
    if wanted:
        typer.echo(f"platform-client {VERSION}")
        raise typer.Exit


_VERSION: Any = typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")


@app.callback()
def platform_client(
    context: typer.Context,
    *,
    version: Annotated[bool, _VERSION] = False,  # noqa: ARG001 -- its callback answers
) -> None:
    """See the help of `app`: without a command it is what is shown."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(ExitCode.USAGE)


@app.command()
def run(
    kind: OfKind,
    component_id: ComponentId,
    *,
    inputs: Input = None,
    context: Context = None,
    execution_mode: Mode = None,
    ring_id: Ring = None,
    scope: Scope = None,
    lifecycle_event: Event = None,
    timeout: Timeout = None,
    poll_interval: Interval = POLL_SECONDS_MAX,
    detach: Annotated[bool, typer.Option("--detach", help="Ctrl-C leaves it running.")] = False,
    journal: Annotated[str | None, typer.Option("--journal", metavar="FILE", help="Store each decision there, for `replay`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a component to its end, and print its result.

    Its states are shown on standard error while it runs, if that is a terminal. Ctrl-C cancels it on the platform within five seconds.
    """
    found = _inputs(inputs)
    given = _given(context, ring_id, timeout, scope, lifecycle_event) | _mode(kind, execution_mode)
    given |= {"poll_interval_seconds": poll_interval, "on_abandon": "detach" if detach else "cancel"}

    def call(client: SyncPlatformClient) -> ExecutionRecord:
        match kind:
            case Kind.CODE_BLOCK:
                return client.execute_code_block(component_id, found, **given)
            case Kind.AGENT:
                return client.execute_agent(component_id, found, **given)
            case Kind.WORKFLOW:
                return client.execute_workflow(component_id, found, **given)
            case _:
                assert_never(kind)

    view = View(f"{kind.replace('-', ' ')} {component_id}")
    perform(call, show_json if as_json else _show_result, as_json=as_json, view=view, journal=journal)


@app.command()
def submit(
    kind: OfKind,
    component_id: ComponentId,
    *,
    inputs: Input = None,
    context: Context = None,
    execution_mode: Mode = None,
    ring_id: Ring = None,
    scope: Scope = None,
    lifecycle_event: Event = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Start a component, and print the id of its execution."""
    found = _inputs(inputs)
    given = _given(context, ring_id, timeout, scope, lifecycle_event) | _mode(kind, execution_mode)

    def call(client: SyncPlatformClient) -> ExecutionRecord:
        match kind:
            case Kind.CODE_BLOCK:
                return client.submit_code_block_execution(component_id, found, **given)
            case Kind.AGENT:
                return client.submit_agent_execution(component_id, found, **given)
            case Kind.WORKFLOW:
                return client.submit_workflow_execution(component_id, found, **given)
            case _:
                assert_never(kind)

    perform(call, show_json if as_json else _show_id, as_json=as_json)


@app.command()
def status(execution_id: ExecutionId, *, as_json: AsJson = False) -> None:
    """Print the status of an execution."""
    perform(lambda client: client.get_execution_status(execution_id), show_json if as_json else _show_status, as_json=as_json)


@app.command()
def wait(
    execution_id: ExecutionId,
    *,
    timeout: Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", help="How long to wait; an hour by default.")] = None,
    poll_interval: Interval = POLL_SECONDS_MAX,
    as_json: AsJson = False,
) -> None:
    """Wait for an execution to end, and print its result. It only watches: Ctrl-C leaves it running."""
    view = View(f"execution {execution_id}", first="asking")
    perform(
        lambda client: client.await_execution_result(execution_id, timeout, poll_interval),
        show_json if as_json else _show_result,
        as_json=as_json,
        view=view,
    )


@app.command()
def cancel(execution_id: ExecutionId, *, as_json: AsJson = False) -> None:
    """Cancel an execution, and print its status after that.

    A cancel that comes too late is no error: it prints what the execution had ended as.
    """
    perform(lambda client: client.cancel_execution(execution_id), show_json if as_json else _show_status, as_json=as_json)


@app.command()
def skills(
    service_id: Annotated[str, typer.Argument(metavar="SERVICE_ID", help="The id of a hosted service.", show_default=False)],
    *,
    version: Annotated[int | None, typer.Option("--version", metavar="NUMBER", help="The latest by default.")] = None,
    as_json: ErrorAsJson = False,
) -> None:
    """Print the skills of a hosted service, as JSON."""
    perform(lambda client: client.get_service_skills(service_id, version), show_json, as_json=as_json)


@app.command()
def request(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, …", show_default=False)],
    path: Annotated[str, typer.Argument(metavar="PATH", help="Begins with /api/v1/.", show_default=False)],
    *,
    params: Annotated[list[str] | None, typer.Option("--param", "-p", metavar="NAME=VALUE", help="For the query.")] = None,
    headers: Annotated[list[str] | None, typer.Option("--header", "-H", metavar="NAME:VALUE", help="One more header.")] = None,
    body: Annotated[str | None, typer.Option("--input", "-i", metavar="JSON", help=f"The body: {WHERE}.")] = None,
    content: Annotated[str | None, typer.Option("--content", metavar="TEXT", help="A body of any kind: text, @FILE or -.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the answer there.")] = None,
    as_json: ErrorAsJson = False,
) -> None:
    """Make any call, and print its answer.

    JSON is printed for a person to read, anything else as it came.
    """
    given: dict[str, Any] = {"json": json_of(body, "--input")}
    if content is not None:
        given["content"] = bytes_of(content, "--content")
    if params:
        given["params"] = pairs_of(params, "=", "--param")
    if headers:
        given["headers"] = {name: ", ".join(values) for name, values in pairs_of(headers, ":", "--header").items()}

    def show(answer: object) -> None:
        if output is not None:
            write_to(output, answer if isinstance(answer, bytes) else json_text(answer))
        elif isinstance(answer, bytes):
            write(answer)
        else:
            show_json(answer)

    perform(lambda client: client.request(method, path, **given), show, as_json=as_json)


@app.command()
def replay(file: Annotated[str, typer.Argument(metavar="FILE", help="What `run --journal` wrote.", show_default=False)]) -> None:
    """Decide all of a journal again, offline.

    Each decision is printed with its reason, the first that differs as the last.
    """
    raise typer.Exit(print_replay(file, say_error))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def emulator(context: typer.Context) -> None:
    """Serve the platform on this machine."""
    raise typer.Exit(serve_emulator(context.args))


def _inputs(text: str | None) -> Any:  # noqa: ANN401 -- the client checks that it is a mapping
    return json_of(text, "--input")


def _given(
    context: str | None, ring_id: str | None, timeout: float | None, scope: str | None, lifecycle_event: str | None
) -> dict[str, Any]:
    """What `execute_*` and `submit_*` take by name."""
    return {
        "context": json_of(context, "--context"),
        "ring_id": ring_id,
        "timeout_seconds": timeout,
        "scope": scope,
        "lifecycle_event": lifecycle_event,
    }


def _mode(kind: Kind, execution_mode: str | None) -> dict[str, Any]:
    if execution_mode is None:
        return {}
    if kind is not Kind.AGENT:
        raise typer.BadParameter("only an agent has one", param_hint="--execution-mode")
    return {"execution_mode": execution_mode}


def _show_result(record: ExecutionRecord) -> None:
    show_json(record.get("result"))


def _show_id(record: ExecutionRecord) -> None:
    typer.echo(one_line(record["execution_id"], _WIDTH_MAX))


def _show_status(record: ExecutionRecord) -> None:
    typer.echo(one_line(record["status"], _WIDTH_MAX))
