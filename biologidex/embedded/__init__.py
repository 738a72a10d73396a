"""PostgreSQL and Redis from wheels, for one machine without Docker; knows nothing of Django or of what they store."""

from biologidex.embedded.folder import DataFolderInUseError
from biologidex.embedded.process import ServiceError
from biologidex.embedded.services import EmbeddedServices, services

__all__ = ["DataFolderInUseError", "EmbeddedServices", "ServiceError", "services"]
