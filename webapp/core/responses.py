"""What page handlers answer with: pages, sheets, fragments, forms with their errors, toasts, redirects."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from html import escape
from typing import Any, Final, Literal

import msgspec
from litestar.response import Response

from backend.infra.picture_maker import sizes_of
from webapp.core.parts import Chrome, PictureView, Place
from webapp.core.rendered import filled
from webapp.core.site import SoukRequest, manages, site_of

Html = Response[bytes]

FORM_ERROR: Final = 422
"""The status of a form that comes back with words beside its fields: htmx swaps it in like a good answer."""
# Pages are personal: no cache between the server and the person may store them.
_HEADERS: Final = {"cache-control": "no-store", "vary": "Authorization, HX-Request"}
_MEDIA_TYPE: Final = "text/html"  # Litestar tells the charset


def render(
    request: SoukRequest,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Html:
    """Any template, in the reader's language and timezone."""
    site = site_of(request)
    text = site.templates.render(template, site.viewer(request.user), **context)
    return Response(
        text.encode(),
        status_code=status,
        media_type=_MEDIA_TYPE,
        headers={**_HEADERS, **headers} if headers else _HEADERS,
    )


def page(
    request: SoukRequest,
    template: str,
    view: msgspec.Struct,
    *,
    tab: Place,
    back: str | None = None,
    chrome: Chrome | None = None,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Html:
    """A whole page for ``#app``: ``view`` is the template's ``page``, ``tab`` the place it belongs to, ``back`` one up.

    ``chrome`` replaces the usual places around it (the back office has its own).
    """
    around = chrome or site_of(request).chrome(request.user, tab, back, manages=manages(request))
    return render(request, template, status=status, headers=headers, page=view, chrome=around)


def rendered_page(
    request: SoukRequest,
    template: str,
    key: Hashable,
    view: Callable[[], msgspec.Struct],
    addresses: Sequence[str],
    *,
    tab: Place,
    back: str | None = None,
) -> Html:
    """A page that is rendered once for each ``key`` and language; ``view`` is called then.

    Everything else in it must follow from ``key``: nothing depends on the moment, the reader's timezone or the tabs.
    Each of ``addresses`` stands where ``view`` has ``RenderedPages.gap`` of its number.
    """
    rendered = site_of(request).rendered
    whole = (template, request.user.language, back, key)
    parts = rendered.get(whole)
    if parts is None:
        site = site_of(request)
        around = site.chrome(request.user, tab, back)
        text = site.templates.render(template, site.viewer(request.user), page=view(), chrome=around)
        parts = rendered.put(whole, text)
    body = filled(parts, [escape(address).encode() for address in addresses])
    return Response(body, media_type=_MEDIA_TYPE, headers=_HEADERS)


def fragment(
    request: SoukRequest,
    template: str,
    view: msgspec.Struct,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Html:
    """A part of a page, swapped where the asking element says."""
    return render(request, template, status=status, headers=headers, page=view, chrome=None)


def sheet(request: SoukRequest, template: str, view: msgspec.Struct, *, status: int = 200) -> Html:
    """A sheet over the page, wherever the asking element points."""
    return fragment(request, template, view, status=status, headers={"hx-retarget": "#sheet", "hx-reswap": "innerHTML"})


def toast(response: Html, text: str, kind: Literal["good", "bad"] = "good") -> Html:
    """The response, with a toast shown when it arrives."""
    return trigger(response, "toast", {"text": text, "kind": kind})


def trigger(response: Html, event: str, detail: dict[str, str]) -> Html:
    """The response, with an event for app.js when it arrives."""
    events = msgspec.json.encode({event: detail}).decode()
    # Headers are Latin-1: what JSON may escape is escaped.
    response.headers["hx-trigger"] = "".join(c if c.isascii() else _escaped(c) for c in events)
    return response


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def nothing(request: SoukRequest, *, push: str | None = None) -> Html:
    """An answer without content: nothing on the page changes."""
    headers = {**_HEADERS, **({"hx-push-url": push} if push else {})}
    return Response(b"", status_code=204, headers=headers, media_type=_MEDIA_TYPE)


def media_picture(request: SoukRequest, name: str | None) -> PictureView | None:
    """The addresses of a stored picture, None for none; the same for everybody, so shared pages may hold them."""
    if not name:
        return None
    sign = site_of(request).addresses.sign_media
    srcset = ", ".join(f"{sign(one)} {width}w" for one, width in sizes_of(name))
    return PictureView(sign(name), srcset)


def pictures(request: SoukRequest) -> Callable[[str | None], PictureView | None]:
    """What makes the addresses of stored pictures out of their names."""
    return lambda name: media_picture(request, name)


def signed_url(request: SoukRequest, target: str, *, seconds: int = 600) -> str:
    """An address that a browser may fetch without headers, for this person and ``seconds``."""
    return site_of(request).addresses.sign(target, request.user, seconds=seconds)


def live_url(request: SoukRequest, *topics: str) -> str:
    """The address of server-sent events about ``topics`` such as ``order:<id>``, for this person.

    It tells first of what has changed since this request began, before the page could listen.
    """
    site = site_of(request)
    began: float = request.scope["souk.began"]  # type: ignore[typeddict-item]
    target = f"/live?on={','.join(topics)}&since={int(began * 1000)}"
    return site.addresses.sign(target, request.user, seconds=site.settings.session_lifetime)
