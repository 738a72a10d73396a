"""Errors out: every refusal as `{"detail", "code", "<field>": [...], ...}`, every surprise as an id and nothing of the cause."""

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.db import OperationalError
from django.http import Http404
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from domain import errors
from domain.errors import DomainError
from domain.tracing import new_request_id
from realtime.errors import error_object, internal_error, status_of

log = logging.getLogger(__name__)


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's exception handler."""
    known = _as_domain_error(error)
    if known is None:
        error_id = new_request_id()
        log.error("Request failed; error %s.", error_id, exc_info=error)
        return _response(internal_error(error_id), status=500)
    set_rollback()
    status = error.status_code if isinstance(error, exceptions.APIException) else status_of(known.code)
    response = _response(error_object(known), status=status)
    if known.retry_after is not None:
        response["Retry-After"] = str(max(1, round(known.retry_after)))
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _response(shown: dict[str, object], *, status: int) -> Response:
    fields = shown.pop("fields", {})
    body = {"detail": shown.pop("message"), **shown}
    if isinstance(fields, dict):
        # A field is never named like one of the error's own keys; if one is, the error's stands.
        body = {**fields, **body}
    return Response(body, status=status)


def _as_domain_error(error: Exception) -> DomainError | None:
    match error:
        case DomainError():
            return error
        case exceptions.NotAuthenticated():
            return errors.AuthRequired()
        case exceptions.AuthenticationFailed():
            return errors.InvalidToken()
        case exceptions.PermissionDenied():
            return errors.PermissionDenied()
        case exceptions.NotFound() | Http404():
            return errors.NotFound()
        case exceptions.Throttled():
            wait = getattr(error, "wait", None)
            return errors.RateLimited(retry_after=float(wait) if wait else None)
        case RequestDataTooBig() | TooManyFilesSent():
            return errors.RequestTooLarge()
        case OperationalError(__cause__=PoolTimeout()):
            # All of PostgreSQL's connections that this process may have are taken.
            return errors.Busy(retry_after=1.0)
        case exceptions.ParseError():
            return errors.Malformed(str(error.detail))
        case exceptions.MethodNotAllowed() | exceptions.UnsupportedMediaType() | exceptions.NotAcceptable():
            return errors.UnknownType(str(error.detail))
    return None
