"""The wallet: balance, history, statement."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get
from litestar.response import Stream
from msgspec import Meta

from backend.kernel.errors import NotFound
from backend.wallet.types import TransferKind
from webapp.core import forms
from webapp.core.answers import asked_for_more
from webapp.core.downloads import csv_file, downloader
from webapp.core.guards import PUBLIC
from webapp.core.parts import address
from webapp.core.responses import Html, fragment, page, signed_url
from webapp.core.site import SoukRequest, site_of
from webapp.payments.screens import history as history_screens
from webapp.wallet.screens import wallet as present
from webapp.wallet.screens.wallet import WalletPage

_FILE_SECONDS: Final = 3600
_MOST_OPEN: Final = 3


class WalletQuery(msgspec.Struct, frozen=True):
    """What the history is narrowed to."""

    kind: TransferKind | None = None
    month: Annotated[str, Meta(pattern=r"\A[0-9]{4}-(0[1-9]|1[0-2])\Z")] | None = None
    cursor: Annotated[str, Meta(max_length=400)] = ""


@get("/wallet", name="wallet:home")
async def wallet(request: SoukRequest) -> Html:
    """Balance and history; a next part of the history comes as rows only."""
    query = forms.read_query(request, WalletQuery)
    site, actor = site_of(request), request.user
    viewer = site.viewer(actor)
    shown = await site.services.wallet.statement.wallet(actor, query.kind, query.month, query.cursor or None)
    kind = query.kind.value if query.kind else ""
    overview, following = shown.overview, shown.history.next_cursor
    next_url = address("/wallet", kind=kind, month=query.month, cursor=following) if following else None
    view = WalletPage(balance=overview.balance, days=present.days(shown, actor, viewer), next_url=next_url)
    if asked_for_more(request, query.cursor):
        return fragment(request, "wallet/_rows.html", view)
    statement = address("/wallet/statement.csv", kind=kind, month=query.month)
    has_history = bool(overview.months)
    intents = await site.services.payments.intents.list_mine(actor)
    view = msgspec.structs.replace(
        view,
        kinds=present.chips(query.kind, query.month) if has_history else (),
        months=present.months(overview.months, query.month),
        credits=overview.credits.amount,
        csv_url=signed_url(request, statement, seconds=_FILE_SECONDS) if has_history else None,
        kind=kind,
        open_payments=history_screens.open_rows(intents, viewer)[:_MOST_OPEN],
        has_payments=bool(intents),
    )
    return page(request, "wallet/home.html", view, tab="me", back="/me")


@get("/wallet/statement.csv", name="wallet:statement", opt=PUBLIC)
async def statement(request: Request[Any, Any, Any]) -> Stream:
    """The history as CSV, by signed address, since downloads carry no headers."""
    actor, site = await downloader(request), site_of(request)
    query = forms.read_query(request, WalletQuery)
    if query.cursor:
        raise NotFound("a statement has no pages")
    header, kind_of = present.csv_words(site.viewer(actor))
    lines = site.services.wallet.statement.export_csv(actor, query.kind, query.month, header=header, kind_of=kind_of)
    return csv_file(lines, "souk-wallet.csv")


WALLET_HANDLERS: Final = (wallet, statement)
