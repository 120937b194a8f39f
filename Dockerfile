# The daemon in a container: hash-locked, without build tools, as a user of its own.
#
#   docker build -t hedgebot .
#   docker run --init --read-only --tmpfs /run --cap-drop ALL --security-opt no-new-privileges --stop-timeout 30 \
#       -v hedgebot-state:/var/lib/hedgebot hedgebot demo
#
# A release pins the base by digest: --build-arg BASE=python:3.12-slim@sha256:<digest of the image that was tested>.
ARG BASE=python:3.12-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python -m venv /opt/hedgebot
# The requirements first: they change seldom, so this layer is kept.
COPY requirements.lock ./
RUN /opt/hedgebot/bin/pip install --no-cache-dir --no-input --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml LICENSE ./
COPY hedgebot ./hedgebot
COPY strategies ./strategies
RUN /opt/hedgebot/bin/pip install --no-cache-dir --no-input --no-deps --no-build-isolation .
# What installs is not needed to run.
RUN /opt/hedgebot/bin/pip uninstall --yes setuptools pip

FROM ${BASE}
# A fixed number, so that a volume's owner stays the same from image to image.
RUN groupadd --gid 10001 hedgebot \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/hedgebot --shell /usr/sbin/nologin hedgebot \
    && install -d -o hedgebot -g hedgebot -m 0700 /var/lib/hedgebot
COPY --from=build /opt/hedgebot /opt/hedgebot
# Operators mount their own files over these.
WORKDIR /etc/hedgebot
COPY config ./config
COPY runbooks ./runbooks
ENV PATH=/opt/hedgebot/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    XDG_STATE_HOME=/var/lib
USER 10001:10001
# Journal, tape, snapshots and the journal's key.
VOLUME /var/lib/hedgebot
# SIGTERM is the graceful stop; it takes up to 20 s, so the stop timeout must be longer.
STOPSIGNAL SIGTERM
# Anything but ok is unhealthy. Nobody may restart the container for that alone: a dead venue or a halted book would
# then lose its only observer.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD hedgebot status --json > /dev/null || exit 1
ENTRYPOINT ["hedgebot"]
CMD ["--help"]
