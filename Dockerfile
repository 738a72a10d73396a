# One image for the web server, the worker, beat and migrations; what it runs is said by its command (see compose.yaml).

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock /tmp/
# The lock without the embedded extra: PostgreSQL and Redis are services of their own here. Wheels with known hashes only.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: -r /tmp/requirements.lock

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MEDIA_ROOT=/var/lib/biologidex/media STATIC_ROOT=/opt/biologidex-static WHITENOISE_USE_FINDERS=False
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin biologidex \
    && install --directory --owner biologidex --group biologidex /var/lib/biologidex /var/lib/biologidex/media
COPY --from=build /opt/venv /opt/venv
WORKDIR /opt/biologidex
COPY manage.py ./
COPY deploy/healthcheck.py deploy/
COPY domain/ domain/
COPY graph/ graph/
COPY vision/ vision/
COPY realtime/ realtime/
COPY consumers/ consumers/
COPY biologidex/ biologidex/
# Development settings, because collecting needs no secret.
RUN DJANGO_SETTINGS_MODULE=biologidex.settings.development python manage.py collectstatic --no-input --verbosity 0
ENV DJANGO_SETTINGS_MODULE=biologidex.settings.production
USER biologidex
VOLUME /var/lib/biologidex/media
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "deploy/healthcheck.py"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
