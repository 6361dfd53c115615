"""The documentation pages: /openapi.json, and Swagger UI that shows it.

The page and all it loads come from this process. Swagger UI is taken from the package
flask-swagger-ui; of that package nothing is imported, so Flask is not imported either.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web

from ingest_http.answers import NOT_FOUND, ApiError
from ingest_http.api import IngestApi
from ingest_http.http.openapi import openapi_document

CARRIER: Final = "flask_swagger_ui"
OURS: Final = Path(__file__).parent / "docs_files"
HTML, SCRIPT, STYLE, IMAGE = "text/html", "text/javascript", "text/css", "image/png"
FILES: Final[dict[str, tuple[str, str]]] = {
    "/docs": ("docs.html", HTML),
    "/docs/docs.js": ("docs.js", SCRIPT),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js", SCRIPT),
    "/docs/swagger-ui.css": ("swagger-ui.css", STYLE),
    "/docs/favicon-32x32.png": ("favicon-32x32.png", IMAGE),
}
SAFE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "max-age=300",
}


async def openapi(api: IngestApi, request: web.BaseRequest) -> web.Response:
    """Answer `GET /openapi.json`."""
    del api, request
    return web.Response(
        body=orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2),
        content_type="application/json",
        headers={"Cache-Control": "max-age=300"},
    )


async def page_file(api: IngestApi, request: web.BaseRequest) -> web.Response:
    """Answer `GET /docs` and the files it is made of."""
    del api
    name, content_type = FILES[request.path]
    charset = None if content_type == IMAGE else "utf-8"
    return web.Response(
        body=_content(name), content_type=content_type, charset=charset, headers=SAFE_HEADERS
    )


@cache
def _content(name: str) -> bytes:
    for folder in (OURS, _swagger_folder()):
        if folder is not None and (folder / name).is_file():
            return (folder / name).read_bytes()
    raise ApiError(NOT_FOUND, f"Swagger UI is not installed here ({CARRIER} carries it)")


def _swagger_folder() -> Path | None:
    spec = importlib.util.find_spec(CARRIER)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "dist"
