"""The only list of paths, and the boundary at which errors become answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final

from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.web_protocol import RequestPayloadError

from ingest_http import bulk
from ingest_http.answers import BAD_REQUEST, INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND, ApiError
from ingest_http.api import IngestApi
from ingest_http.http import docs_page, health
from ingest_http.http.lingering import is_unread
from ingest_http.http.replies import REQUEST_ID_HEADER, refusal, request_id_of
from ingest_http.metrics import CONTENT_TYPE

log = logging.getLogger(__name__)

SUPPORTED_VERSIONS: Final = (HttpVersion10, HttpVersion11)
BULK_PATH: Final = "/api/v1/integrations/fasttrack/bulk"

Handler = Callable[[IngestApi, web.BaseRequest], Awaitable[web.Response]]
Routes = Mapping[str, Mapping[str, Handler]]


async def metrics_page(api: IngestApi, request: web.BaseRequest) -> web.Response:
    """Answer `GET /metrics`."""
    del request
    return web.Response(body=api.metrics.page(), headers={"Content-Type": CONTENT_TYPE})


METRICS_ROUTES: Final[Routes] = {"/metrics": {"GET": metrics_page}}
HEALTH_ROUTES: Final[Routes] = {
    "/health/live": {"GET": health.live},
    "/health/ready": {"GET": health.ready},
}
# On a shared port any of the processes may answer; on its own port each one answers for itself.
OWN_PORT_ROUTES: Final[Routes] = {**METRICS_ROUTES, **HEALTH_ROUTES}
PUBLIC_ROUTES: Final[Routes] = {
    BULK_PATH: {"POST": bulk.post_items},
    **HEALTH_ROUTES,
    "/openapi.json": {"GET": docs_page.openapi},
    **{path: {"GET": docs_page.page_file} for path in docs_page.FILES},
}


def handler_of(
    api: IngestApi, routes: Routes
) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    """The server's one request handler: it answers every request and raises no errors itself."""

    async def handle(request: web.BaseRequest) -> web.Response:
        started = monotonic()
        request_id = request_id_of(request)
        try:
            _require_version(request)
            response = await _find(routes, request)(api, request)
            code = ""
        except ApiError as error:
            response, code = refusal(error, request_id), error.kind.code
            _log(error, request_id)
        except (ConnectionError, RequestPayloadError) as error:
            response, code = _broken(api, request, error), BAD_REQUEST.code
        except Exception:
            log.exception("unexpected error", extra={"request_id": request_id})
            response = refusal(ApiError(INTERNAL, "Something failed in the ingest API"), request_id)
            code = INTERNAL.code
        if request.path == BULK_PATH:
            api.metrics.answers.labels(str(response.status), code).inc()
            api.metrics.request_seconds.observe(monotonic() - started)
        response.headers[REQUEST_ID_HEADER] = request_id
        response.headers["Server"] = "railhead"
        if api.draining:
            response.force_close()
        if is_unread(request):
            await api.lingering.answer(request, response, lambda: api.draining)
        return response

    return handle


def _require_version(request: web.BaseRequest) -> None:
    """Refuse HTTP/0.9 and HTTP/2.0, which the parser accepts as text.

    Raises:
        ApiError: 400.
    """
    # The answer's first line repeats the version; and `version` is cached once it is read.
    if request._version not in SUPPORTED_VERSIONS:  # noqa: SLF001 - see above
        request._version = HttpVersion11  # noqa: SLF001
        raise ApiError(BAD_REQUEST, "The version is neither HTTP/1.1 nor HTTP/1.0")


def _find(routes: Routes, request: web.BaseRequest) -> Handler:
    methods = routes.get(request.path)
    if methods is None:
        raise ApiError(NOT_FOUND, "There is nothing at this path")
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
        raise ApiError(
            METHOD_NOT_ALLOWED,
            f"This path does not take {request.method[:16]!a}",
            headers={"Allow": allowed},
        )
    return handler


def _broken(api: IngestApi, request: web.BaseRequest, error: Exception) -> web.Response:
    transport = request.transport
    if transport is None or transport.is_closing():
        api.metrics.clients_gone.inc()
        raise ConnectionResetError("the client closed the connection") from error
    response = refusal(ApiError(BAD_REQUEST, "The body ends early"), request_id_of(request))
    response.force_close()
    return response


def _log(error: ApiError, request_id: str) -> None:
    kind = error.kind
    log.log(
        kind.level,
        "refused",
        extra={"request_id": request_id, "status": kind.status, "code": kind.code},
    )
