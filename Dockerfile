# One image for the ingest API, workers and the one-shot commands; broker and database have their own.
# The one-machine stack (embedded engine, jars, Java) is left out: requirements/server.txt.
FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/railhead
ENV PATH=/opt/railhead/bin:$PATH

# Alone, so that a change of the code does not reinstall everything.
COPY requirements/server.txt /build/requirements/server.txt
RUN pip install --require-hashes --only-binary :all: -r /build/requirements/server.txt

COPY . /build
RUN pip install --no-deps --no-build-isolation /build \
    && python -m compileall -q /opt/railhead/lib


FROM python:3.11.14-slim-bookworm

RUN groupadd --gid 10001 railhead \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/railhead railhead \
    && install -d -m 0700 -o railhead -g railhead /var/lib/railhead
COPY --from=build /opt/railhead /opt/railhead

ENV PATH=/opt/railhead/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    RAILHEAD_DATA_DIR=/var/lib/railhead
USER 10001:10001
WORKDIR /var/lib/railhead
VOLUME /var/lib/railhead

# SIGTERM drains: no new requests, those under way are finished.
STOPSIGNAL SIGTERM
ENTRYPOINT ["railhead"]
CMD ["--help"]
