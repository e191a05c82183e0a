"""The shapes of what the platform answers with, for type checkers: plain dicts at run time."""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

ComponentKind: TypeAlias = Literal["code_block", "agent", "workflow"]


class ErrorBody(TypedDict):
    """What the platform says of an error."""

    code: NotRequired[str]
    message: NotRequired[str]
    details: NotRequired[list[dict[str, Any]]]


class ExecutionRecord(TypedDict):
    """An execution as the platform records it. What the server sends beyond these fields stays in the dict.

    The first two are checked to be there, and the type of the others where they are.
    """

    execution_id: str
    status: str
    component_type: str
    component_id: str
    result: Any
    error: ErrorBody | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    progress: NotRequired[float | None]


class SkillsArtifact(TypedDict):
    """The runtime-neutral bundle of a hosted service's skills."""

    endpoints: list[Any]
