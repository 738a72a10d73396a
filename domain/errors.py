"""Every refusal that the product knows, each with a stable wire code; knows nothing of sockets or HTTP.

The codes are the protocol's (section 3). Texts are for people and translated; codes are for programs and never are.
"""

from collections.abc import Mapping, Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Fields = Mapping[str, Sequence[str]]


class DomainError(Exception):
    """A refusal with a stable `code`; `fields` maps a field's path to messages, `retry_after` is in seconds, `facts` go into the error object as they are."""

    code = "internal"
    message: str | Promise = _("Something went wrong on our side.")

    def __init__(
        self,
        message: str | Promise | None = None,
        *,
        fields: Fields | None = None,
        retry_after: float | None = None,
        **facts: object,
    ) -> None:
        self.text = message if message is not None else self.message
        self.fields = {path: list(messages) for path, messages in (fields or {}).items()}
        self.retry_after = retry_after
        self.facts = facts
        super().__init__(self.text)

    def __str__(self) -> str:
        return str(self.text)


class Malformed(DomainError):
    code = "request.malformed"
    message = _("This frame is not a request.")


class UnknownType(DomainError):
    code = "request.unknown_type"
    message = _("There is no such request.")


class Invalid(DomainError):
    code = "request.invalid"
    message = _("The request's data is not valid.")


class RequestTooLarge(DomainError):
    code = "request.too_large"
    message = _("The request is too large.")


class RateLimited(DomainError):
    code = "request.rate_limited"
    message = _("Too many requests; wait a moment.")


class KeyReused(DomainError):
    code = "request.key_reused"
    message = _("This key was used for another request.")


class Busy(DomainError):
    code = "request.busy"
    message = _("The server is busy; try again in a moment.")


class AuthRequired(DomainError):
    code = "auth.required"
    message = _("Log in first.")


class InvalidToken(DomainError):
    code = "auth.invalid_token"
    message = _("This token is not valid.")


class InvalidCredentials(DomainError):
    code = "auth.invalid_credentials"
    message = _("No account with this name and password.")


class TokenExpired(DomainError):
    code = "auth.expired"
    message = _("This token has expired.")


class TokenRevoked(DomainError):
    code = "auth.revoked"
    message = _("This login has ended.")


class PermissionDenied(DomainError):
    code = "permission.denied"
    message = _("You may not do this.")


class NotFound(DomainError):
    code = "not_found"
    message = _("There is no such thing, or it is not yours to see.")


class Conflict(DomainError):
    code = "conflict"
    message = _("This cannot be done in the present state.")


class FriendsSelf(DomainError):
    code = "friends.self"
    message = _("You cannot be your own friend.")


class AlreadyFriends(DomainError):
    code = "friends.already_friends"
    message = _("You are friends already.")


class AlreadyRequested(DomainError):
    code = "friends.already_requested"
    message = _("You have asked already.")


class UploadUnknown(DomainError):
    code = "upload.unknown"
    message = _("There is no such upload.")


class UploadOffset(DomainError):
    """A chunk that does not continue the file; carries `expected`, the offset in bytes at which to go on."""

    code = "upload.offset"
    message = _("This chunk does not follow the last one.")


class UploadTooLarge(DomainError):
    code = "upload.too_large"
    message = _("The file is too large.")


class UploadChecksum(DomainError):
    code = "upload.checksum"
    message = _("The file that arrived is not the file that was announced.")


class UploadExpired(DomainError):
    code = "upload.expired"
    message = _("This upload is too old; begin again.")


class ImageUnreadable(DomainError):
    code = "image.unreadable"
    message = _("This picture cannot be read.")


class ImageTooManyPixels(DomainError):
    code = "image.too_many_pixels"
    message = _("This picture has too many pixels.")


class ImageUnsupportedFormat(DomainError):
    code = "image.unsupported_format"
    message = _("This kind of picture is not supported.")


class NoAnimal(DomainError):
    code = "vision.no_animal"
    message = _("There is no animal to be seen in this picture.")


class VisionUnavailable(DomainError):
    code = "vision.unavailable"
    message = _("Identification is not available at the moment.")


class VisionLimitReached(DomainError):
    code = "vision.limit_reached"
    message = _("Today's limit of identifications is reached.")


class NotRetryable(DomainError):
    code = "vision.not_retryable"
    message = _("This job cannot be tried again.")


class NoSuchCandidate(DomainError):
    code = "vision.no_such_candidate"
    message = _("There is no such candidate.")
