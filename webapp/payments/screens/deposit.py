"""A payment by hand: where to send it, and the receipts that were sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from backend.payments.types import PayAction, TransferReceipt

ProofError = Literal["", "too_large", "not_a_document", "too_many", "nothing"]


# An IBAN, or eight and more digits, in groups or not.
_ACCOUNT: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b|\b\d(?:[ -]?\d){7,}\b")


_PROOF_ERRORS: Final[dict[str, ProofError]] = {
    "too_large": "too_large",
    "not_a_document": "not_a_document",
    "too_many": "too_many",
}


def proof_error(code: str) -> ProofError:
    """The page's own name for what is wrong with a file."""
    return _PROOF_ERRORS.get(code, "nothing")


def proof_path(proof: TransferReceipt) -> str:
    """Where a transfer receipt is fetched, once the address is signed; its end names the kind."""
    return f"/admin/payments/proofs/{proof.id}.{proof.content_type.rpartition('/')[2]}"


def _copyable(line: str) -> str:
    """What of a line of instructions is typed elsewhere: an account number, else what stands after the colon."""
    if code := _ACCOUNT.search(line):
        return code[0].replace(" ", "")
    return line.partition(":")[2].strip()


class ProofView(msgspec.Struct, frozen=True):
    """A transfer receipt in a list."""

    index: int
    """Counts from 1."""
    document: bool
    """Whether it is a PDF."""
    at: datetime
    reviewed: bool
    url: str = ""
    """The signed address of a picture; empty for a PDF."""


class DepositView(msgspec.Struct, frozen=True):
    """A payment by hand, shown by transfer receipts."""

    lines: tuple[tuple[str, str], ...]
    """How to pay, line by line, each with what of it can be copied."""
    reference: str
    """What the transfer must carry."""
    proofs: tuple[ProofView, ...] = ()
    can_add: bool = True
    in_review: bool = False
    """Whether an admin has a receipt still to review."""


def deposit_view(
    action: PayAction, proofs: Sequence[TransferReceipt], sign: Callable[[str], str] | None, *, can_add: bool
) -> DepositView:
    """How to send the money, and the receipts so far; ``sign`` makes the addresses of their pictures."""
    rows = tuple(
        ProofView(
            index,
            item.content_type == "application/pdf",
            item.at,
            item.decided_at is not None,
            url=sign(proof_path(item)) if sign and item.content_type.startswith("image/") else "",
        )
        for index, item in enumerate(proofs, start=1)
    )
    lines = filter(None, map(str.strip, action.fields.get("instructions", "").splitlines()))
    return DepositView(
        lines=tuple((line, _copyable(line)) for line in lines),
        reference=action.fields.get("reference", ""),
        proofs=rows,
        can_add=can_add,
        in_review=any(not row.reviewed for row in rows),
    )


class SendReceiptSheet(msgspec.Struct, frozen=True):
    """payments/_send_receipt.html; ``error`` is what was wrong with the file that was sent just now."""

    payment: str
    error: ProofError = ""
