"""Small changes to a response, and what the requesting element says in its headers."""

from __future__ import annotations

from typing import Literal

from backend.kernel.errors import AppError
from backend.payments.types import ActionKind, Intent
from webapp.core.errors import message, problem_of
from webapp.core.responses import Html, toast, trigger
from webapp.core.site import SoukRequest, site_of


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


def invoice(response: Html, intent: Intent) -> Html:
    """The response, with Telegram's invoice of ``intent`` opened at once; once closed it asks what is next."""
    assert intent.action is not None
    return trigger(response, "invoice", {"url": intent.action.url, "page": f"/wallet/payments/{intent.id}"})


def is_invoice(intent: Intent) -> bool:
    """Whether ``intent`` is paid by an invoice of Telegram's that can be opened now."""
    return intent.action is not None and intent.action.kind is ActionKind.INVOICE and not intent.received


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


def say(request: SoukRequest, answer: Html, text: str, kind: Literal["good", "bad"] = "good") -> Html:
    """The answer with a toast; ``text`` is marked for translation."""
    return toast(answer, site_of(request).viewer(request.user).words.gettext(text), kind)


def overtaken(request: SoukRequest, answer: Html, why: AppError) -> Html:
    """The page as it is now, with why something could not be done."""
    site, actor = site_of(request), request.user
    shown = to_app(answer)
    shown.headers["x-error-code"] = why.code
    return toast(shown, message(site, problem_of(why), actor, actor.language), "bad")
