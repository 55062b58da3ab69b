"""The reader's own page and settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody

from backend.catalog.types.waiting import OwnWait
from backend.catalog.words import goods_name
from backend.growth.types.premium import PremiumState
from backend.identity.types import Actor
from backend.infra.formatting import zone_city
from backend.infra.i18n import translator
from backend.kernel.errors import Invalid
from backend.kernel.text import Locale
from backend.orders.types import OrderFilter
from webapp.core.limits import WRITE, limited
from webapp.core.responses import Html, page, toast
from webapp.core.site import SoukRequest, site_of
from webapp.core.tiles import hue_of, initial_of
from webapp.growth.screens.premium import membership
from webapp.identity.screens.me import Choice, HeldRow, MePage, SettingsPage

LANGUAGES: Final = {locale: locale.own_name for locale in Locale}
"""Each language's name in that language."""


class LanguageForm(msgspec.Struct, frozen=True):
    """The chosen language."""

    language: str


@get("/me")
async def home(request: SoukRequest, actor: NamedDependency[Actor]) -> Html:
    """Name and balance, with links to wallet, orders and settings."""
    site = site_of(request)
    services = site.services
    overview = await services.wallet.statement.overview(actor)
    product = await services.growth.premium.find_product()
    premium = membership(services.growth.premium.mine(actor), product)
    waiting = await services.orders.history.list_mine(actor, OrderFilter.AWAITING_PAYMENT, None)
    waits = await services.catalog.waiting.list_own(actor)
    view = MePage(
        name=actor.first_name,
        initial=initial_of(actor.first_name),
        hue=hue_of(str(actor.user_id)),
        balance=overview.balance,
        language=LANGUAGES[actor.language],
        username=actor.username,
        photo_url=actor.photo_url,
        orders_waiting=len(waiting.items),
        premium=premium if product or premium.state is not PremiumState.NONE else None,
        support_url=site.support_link,
        held=held_rows(waits, actor),
        favourites=await services.catalog.favourites.count(actor),
        in_line=len(waits),
        sellers=bool(await services.identity.sellers.list_public()),
    )
    return page(request, "identity/home.html", view, tab="me")


@get("/me/settings")
async def settings(request: SoukRequest, actor: NamedDependency[Actor]) -> Html:
    """Language and time zone."""
    return page(request, "identity/settings.html", settings_view(actor), tab="me", back="/me")


@post("/me/settings/language", status_code=200, guards=[limited(WRITE)])
async def set_language(request: SoukRequest, actor: NamedDependency[Actor], data: URLEncodedBody[LanguageForm]) -> Html:
    """Change the language, and show the settings in it."""
    if data.language not in {item.value for item in Locale}:
        raise Invalid("no such language", fields={"language": "unknown_language"})
    changed = await site_of(request).services.identity.profile.set_language(actor, Locale(data.language))
    request.scope["user"] = changed
    answer = page(request, "identity/settings.html", settings_view(changed), tab="me", back="/me")
    return toast(answer, translator(changed.language).gettext("Saved"))


def held_rows(waits: Iterable[OwnWait], actor: Actor) -> tuple[HeldRow, ...]:
    """What is held for the actor, of all that they wait for."""
    return tuple(
        HeldRow(
            href=f"/shop/{wait.goods.offer.slug}?variant={wait.goods.offer.variant_id}",
            title=goods_name(
                wait.goods.offer.name, wait.goods.offer.variant_name, wait.goods.offer.country, actor.language
            ),
            until=wait.place.held_until,
        )
        for wait in waits
        if wait.place.held_until is not None
    )


def settings_view(actor: Actor) -> SettingsPage:
    """The actor's choices as the template shows them."""
    languages = tuple(Choice(item.value, name, item is actor.language) for item, name in LANGUAGES.items())
    city = zone_city(actor.timezone, actor.language)
    return SettingsPage(languages=languages, city=city, zone_source=actor.zone_source)


me_pages = Router(path="/", route_handlers=[home, settings, set_language])
