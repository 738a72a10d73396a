"""BiologiDex: wiring. The Celery app is named here so that tasks find it in every process."""

from biologidex.celery import app as celery_app

__all__ = ["celery_app"]
