"""The API's description: its OpenAPI document, and a page that people read it on."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.routing import Route

from dialer.access.api_keys import Scope
from workers.web.pages.declaring import Answer, Asked, Pages, page


@dataclass(frozen=True, slots=True)
class Operation:
    """Something the API does."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[dict[str, Any]]
    body: str


def manual_routes(api: FastAPI) -> list[Route]:
    """Make the routes that describe an API."""

    @cache
    def document() -> dict[str, Any]:
        return openapi_document(api)

    pages = Pages()

    @pages.get("/api/openapi.json", Scope.READ_MASKED)
    def openapi(_asked: Asked) -> Answer:
        return JSONResponse(document())

    @pages.get("/api/docs", Scope.READ_MASKED)
    def docs(_asked: Asked) -> Answer:
        groups: dict[str, list[Operation]] = {}
        for path, methods in document()["paths"].items():
            for method, told in methods.items():
                operation = _operation(method, path, told)
                groups.setdefault(told.get("tags", ["other"])[0], []).append(operation)
        return page("api_docs.html", info=document()["info"], groups=groups)

    return pages.routes


def _operation(method: str, path: str, told: dict[str, Any]) -> Operation:
    body = told.get("requestBody", {}).get("content", {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=told.get("summary", ""),
        description=told.get("description", ""),
        parameters=told.get("parameters", []),
        body=", ".join(body),
    )


def openapi_document(api: FastAPI) -> dict[str, Any]:
    """Describe an API. Errors are problem details; the framework says JSON of all it knows."""
    document = api.openapi()
    for methods in document["paths"].values():
        for told in methods.values():
            for status, answer in told["responses"].items():
                if status in {"4XX", "5XX"} and "application/json" in answer["content"]:
                    schema = answer["content"].pop("application/json")
                    answer["content"]["application/problem+json"] = schema
    return document
