"""Terms of sale and privacy, with the same texts as in the bot."""

from __future__ import annotations

from litestar import Router, get
from markupsafe import Markup

from backend.infra.i18n import Translator
from backend.notifications import words as small_print
from webapp.core.responses import Html, page
from webapp.core.site import SoukRequest, site_of, words_of
from webapp.identity.screens.me import TextPage


@get("/terms", sync_to_thread=False)
def terms(request: SoukRequest) -> Html:
    """The terms of sale."""
    words = _words(request)
    return _text(request, words.gettext("Terms of sale"), small_print.terms(words, site_of(request).settings.shop_name))


@get("/privacy", sync_to_thread=False)
def privacy(request: SoukRequest) -> Html:
    """What the shop stores about a person."""
    words = _words(request)
    return _text(request, words.gettext("What we know about you"), small_print.privacy(words))


def _words(request: SoukRequest) -> Translator:
    return words_of(request.user, site_of(request).default_locale)


def _text(request: SoukRequest, title: str, lines: list[str]) -> Html:
    body = Markup("").join(Markup("<p>{}</p>").format(line) for line in lines)
    return page(request, "identity/text.html", TextPage(title=title, body=body), tab="me", back="/me")


about_pages = Router(path="/about", route_handlers=[terms, privacy])
