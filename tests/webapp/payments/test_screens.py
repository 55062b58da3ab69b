"""What a payment's page is made of: the address for the rest, odd progress, the address in groups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from backend.infra.i18n import translator
from backend.kernel.ids import UserId
from backend.kernel.money import Money
from backend.kernel.text import Locale
from backend.payments.types import (
    ActionKind,
    Difference,
    DifferenceKind,
    Intent,
    IntentId,
    IntentStatus,
    PayAction,
    PaymentMethod,
    Reconciliation,
)
from tests.factories.wallet import usd
from webapp.core.assets import build_assets
from webapp.core.qr import draw
from webapp.core.rendering import Templates, Viewer
from webapp.payments.screens.control import comparison
from webapp.payments.screens.methods import method_row, method_title
from webapp.payments.screens.payments import Around, ConfirmingPage, PaymentPage, TransferPage, UnderpaidPage, payment

NOW = datetime(2026, 11, 21, 14, 33, tzinfo=UTC)
VIEWER = Viewer(translator(Locale.EN), NOW)
ADDRESS = "0xB191a13bfE648B61002F2e2135867015B71816a6"


def intent(status: IntentStatus, received: str = "0", uri: str = "", **progress: str) -> Intent:
    """Twenty-five dollars by USDT."""
    fields = {"network": "BNB Smart Chain (BEP-20)", "address": ADDRESS, "asset": "USDT", "uri": uri}
    came = Money.parse(received, "USDT")
    return Intent(
        id=IntentId(UUID(int=1)),
        number=7,
        user_id=UserId(UUID(int=2)),
        method="usdt_evm",
        amount=usd(2500),
        credited=usd(came.amount // 10_000),
        refunded=usd(0),
        payable=Money.parse("25", "USDT"),
        received=came,
        status=status,
        action=PayAction(ActionKind.TRANSFER, fields=fields),
        external_id="x",
        charge_id=None,
        progress=progress,
        order_id=None,
        created_at=NOW,
        updated_at=NOW,
        expires_at=NOW + timedelta(hours=1),
        polls=0,
    )


@pytest.fixture(scope="module")
def templates() -> Templates:
    return Templates(build_assets())


def view_of(shown: Intent) -> PaymentPage:
    """The page of a payment of a top-up."""
    return payment(shown, VIEWER, Around(next_href="/shop", live_url="/live"))


@pytest.mark.parametrize(
    ("uri", "rest"),
    [
        # Six decimals, eighteen, decimals in words; what only looks alike stays.
        (f"ethereum:0xdac1@1/transfer?address={ADDRESS}&uint256=25000000", "uint256=5000000"),
        (f"ethereum:0x55d3@56/transfer?address={ADDRESS}&uint256=25000000000000000000", "uint256=5000000000000000000"),
        ("tron:TQm7?amount=25&token=TR7N", "amount=5&token=TR7N"),
        ("ton://transfer/UQ?jetton=EQ&amount=25000000&text=25000001", "amount=5000000&text=25000001"),
    ],
)
def test_the_code_asks_for_the_rest(uri: str, rest: str) -> None:
    whole, short = (
        view_of(intent(IntentStatus.PENDING, uri=uri)),
        view_of(intent(IntentStatus.UNDERPAID, "20", uri=uri)),
    )
    assert isinstance(whole, TransferPage)
    assert whole.transfer.qr == draw(uri)
    assert isinstance(short, UnderpaidPage)
    assert short.transfer is not None
    before, _, _ = uri.partition(rest.partition("=")[0] + "=")
    assert short.transfer.qr == draw(before + rest)
    assert short.transfer.amount_text == "5"


def test_without_an_address_of_payment_the_code_is_the_address() -> None:
    view = view_of(intent(IntentStatus.PENDING))
    assert isinstance(view, TransferPage)
    assert view.transfer.qr == draw(ADDRESS)
    assert "".join(view.transfer.groups) == ADDRESS
    assert {len(group) for group in view.transfer.groups[:-1]} == {5}


@pytest.mark.parametrize("progress", [{}, {"confirmations": "many", "needed": "-3", "seen": "a lot"}, {"seen": ""}])
def test_odd_progress_is_no_progress(progress: dict[str, str]) -> None:
    view = view_of(intent(IntentStatus.CONFIRMING, **progress))
    # Its page says nothing of where to send coins: nobody is to send them twice.
    assert isinstance(view, ConfirmingPage)
    assert (view.confirmations, view.needed, view.amount) == (0, 0, Money.parse("25", "USDT"))


def test_the_page_asks_again_only_for_what_has_changed() -> None:
    def address(**progress: str) -> str:
        return view_of(intent(IntentStatus.CONFIRMING, **progress)).head.refresh_url

    assert address(confirmations="3") == address(confirmations="3") != address(confirmations="4")


@pytest.mark.parametrize("status", IntentStatus)
@pytest.mark.parametrize("kind", [None, *ActionKind])
@pytest.mark.parametrize("late", [False, True])
def test_every_status_has_a_page(
    status: IntentStatus, kind: ActionKind | None, late: bool, templates: Templates
) -> None:
    action = None if kind is None else PayAction(kind, "https://pay.example" if kind is ActionKind.LINK else "")
    current = msgspec.structs.replace(
        intent(status), action=action, expires_at=NOW if late else NOW + timedelta(days=2)
    )
    view = view_of(current)
    shown = templates.render("payments/_payment.html", VIEWER, page=view)
    assert shown.count('id="payment"') == shown.count("data-main") == 1
    assert ("data-live=" in shown) is (current.is_running(NOW) or view.head.status in {"expired", "cancelled"})


def test_an_unknown_method_has_a_name_and_a_price_all_the_same() -> None:
    method = PaymentMethod(
        name="new_method",
        minimum=usd(100),
        maximum=usd(5000),
        wait_seconds=90_000,
        asset="XTR",
        unit_price=Decimal("0.01"),
    )
    row = method_row(method, usd(500), VIEWER)
    assert (row.title, row.icon, row.fits) == ("New Method", "card", True)
    assert row.note.replace("\u00a0", " ") == "500 Stars · up to a day"
    assert method_title("paypal", VIEWER) == "PayPal"
    assert not method_row(method, usd(99), VIEWER).fits
    assert method_row(method, usd(0), VIEWER).fits


def compared(*differences: Difference, error: str = "") -> Reconciliation:
    """A comparison of last night."""
    return Reconciliation(
        id=UUID(int=3),
        method="deposit",
        since=NOW,
        until=NOW,
        checked=0,
        differences=list(differences),
        error=error,
        at=NOW,
    )


@pytest.mark.parametrize(
    ("done", "reconcilable", "said", "agrees"),
    [
        (compared(), True, "Matches", False),
        (compared(), False, "Can't reconcile", True),
        (None, False, "Can't reconcile", True),
        (None, True, "Not yet", False),
        (compared(error="down"), True, "No answer", False),
        (
            compared(Difference(kind=DifferenceKind.LEDGER, subject="provider:deposit", asset="USD", ours=1, theirs=2)),
            False,
            "Doesn't match",
            True,
        ),
    ],
)
def test_what_was_not_compared_does_not_agree(
    done: Reconciliation | None, reconcilable: bool, said: str, agrees: bool
) -> None:
    view = comparison("deposit", done, VIEWER, waiting=False, reconcilable=reconcilable)
    assert view.badge.text == said
    assert view.by_hand is agrees
