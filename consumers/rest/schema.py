"""How drf-spectacular learns of an operation: the same shapes that the table holds."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from realtime.operations import Access, Operation, Route

READS = ("GET", "DELETE")


def described(entry: Operation, route: Route) -> Callable[[Any], Any]:
    """The decorator that tells of one method of one path."""
    in_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
    fields = {name: field for name, field in entry.data.model_fields.items() if name not in in_path}
    reads = route.method in READS
    parameters = [OpenApiParameter(name, str, OpenApiParameter.PATH, required=True) for name in sorted(in_path)]
    if reads:
        parameters += [OpenApiParameter(name, str, OpenApiParameter.QUERY, required=field.is_required()) for name, field in fields.items()]
    body: Any = None if reads or not fields else entry.data
    if route.files:
        body = {"multipart/form-data": {"type": "object", "properties": {name: _form_field(name, route) for name in fields}}}
    elif route.raw_body:
        body = {"application/offset+octet-stream": {"type": "string", "format": "binary"}}
    return extend_schema(
        operation_id=f"{entry.name}.{route.method.lower()}.{route.path.rstrip('/').replace('/', '.')}",
        summary=entry.doc.splitlines()[0] if entry.doc else entry.name,
        description=f"{entry.doc}\n\nOn a socket: `{entry.name}`.",
        tags=[entry.area],
        parameters=parameters,
        request=body,
        responses={route.status: OpenApiResponse(entry.answer if route.envelope is None else dict[str, Any], description="Done.")},
        auth=[] if entry.access is Access.ANYBODY else None,
    )


def _form_field(name: str, route: Route) -> dict[str, str]:
    return {"type": "string", "format": "binary"} if name in route.files else {"type": "string"}
