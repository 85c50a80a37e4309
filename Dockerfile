# SRE Sentinel in a container: Node and the sources, nothing else. Node runs the TypeScript as it
# is, so there is no build step. `docker build -t sre-sentinel .`
#
# It runs as a user without rights. To read the Docker socket it needs the socket's group
# (docker run --group-add, see deploy/compose.yaml); `sentinel doctor` prints its number.
ARG BASE_IMAGE=node:24-bookworm-slim

# npm is needed to install, and only here.
FROM ${BASE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: what runs in production is plain JavaScript. --no-save:
# exactly what the lock file says.
RUN npm install --omit=dev --ignore-scripts --no-save --no-audit --no-fund

FROM ${BASE_IMAGE}
# A package manager in a running container serves intruders alone.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-*
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
# What .dockerignore lets through.
COPY . .

# /data holds the journal: the one place that is written to. Everything else may be read-only.
# /policies is empty until a folder is mounted there: without a policy nothing is acted on.
RUN mkdir /policies /data .cache && chown 65532:65532 /data .cache
ENV NODE_ENV=production \
    SENTINEL_DATA=/data \
    SENTINEL_POLICIES=/policies \
    API_HOST=0.0.0.0
EXPOSE 8000
USER 65532:65532
# Strips and compiles the code once, for the user and the place that it runs at.
RUN ["node", "bin/sentinel.mjs", "run", "--help"]
VOLUME /data

HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.API_PORT ?? 8000}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/sentinel.mjs"]
CMD ["run"]
