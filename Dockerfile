# The gateway alone: `docker build -t memory-gateway .`  Its stores are elsewhere (docker-compose.yml).

FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.13-slim AS build
COPY --from=uv /uv /usr/local/bin/
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /src

# Of all that is locked, which has the tools of developers too, what runs: at the locked versions, each
# file checked against the lock's hashes.
COPY pyproject.toml requirements.lock ./
RUN uv venv /opt/memory-gateway \
    && uv pip compile --python /opt/memory-gateway --quiet --no-header --no-annotate --all-extras \
        --constraint requirements.lock --output-file runs.txt pyproject.toml \
    && uv pip install --python /opt/memory-gateway --require-hashes \
        --requirement runs.txt --constraint requirements.lock

COPY README.md ./
COPY backends backends
COPY loaders loaders
COPY resolvers resolvers
COPY gateway gateway
RUN uv build --python /opt/memory-gateway --wheel --require-hashes --build-constraint requirements.lock --out-dir dist \
    && uv pip install --python /opt/memory-gateway --no-deps dist/*.whl


FROM python:3.13-slim
RUN groupadd --gid 10001 memory \
    && useradd --uid 10001 --gid memory --no-create-home --home-dir /memory --shell /usr/sbin/nologin memory \
    && install --directory --owner memory --group memory /memory
COPY --from=build /opt/memory-gateway /opt/memory-gateway
ENV PATH=/opt/memory-gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MEMORY_GATEWAY_HOST=0.0.0.0 \
    MEMORY_GATEWAY_PORT=8000
WORKDIR /memory
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; gateway = http.client.HTTPConnection('127.0.0.1', int(os.environ['MEMORY_GATEWAY_PORT']), timeout=4); gateway.request('GET', '/healthz'); sys.exit(gateway.getresponse().status != 200)"]
ENTRYPOINT ["memory-gateway"]
CMD ["serve"]
