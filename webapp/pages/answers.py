"""Small changes to an answer, and what an asking element tells of itself."""

from __future__ import annotations

from webapp.responses import Html
from webapp.site import SoukRequest


def asked_for_more(request: SoukRequest, cursor: str) -> bool:
    """Whether the row at the end of a list asks for the next rows, and not the app for the page."""
    return bool(cursor) and request.headers.get("hx-target") != "app"


def asked_by(request: SoukRequest, element: str) -> bool:
    """Whether the element with this id asks to be brought up to date."""
    return request.headers.get("hx-target") == element


def pushed(response: Html, path: str) -> Html:
    """The response, with ``path`` in the browser's history."""
    response.headers["hx-push-url"] = path
    return response


def replaced(response: Html, path: str) -> Html:
    """The response, with ``path`` in place of the present one in the browser's history."""
    response.headers["hx-replace-url"] = path
    return response


def to_app(response: Html) -> Html:
    """The response as the whole page, wherever the asking element points."""
    response.headers["hx-retarget"] = "#app"
    response.headers["hx-reswap"] = "innerHTML"
    return response


def to_sheet(response: Html) -> Html:
    """The response as the sheet over the page, wherever the asking element points."""
    response.headers["hx-retarget"] = "#sheet"
    response.headers["hx-reswap"] = "innerHTML"
    return response
