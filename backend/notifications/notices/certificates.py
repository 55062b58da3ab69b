"""What people are told of their certificates."""

from __future__ import annotations

import html
from typing import Final

import msgspec

from backend.certificates import domain
from backend.certificates.types import (
    CertificatePrinted,
    CertificateRestored,
    CertificateRevoked,
    FileKind,
    Held,
    PrintReason,
    Status,
)
from backend.notifications.notice import Draft, Notice, Params, person
from backend.notifications.types import Button, Document, Message


async def _printed(draft: Draft, params: Params) -> Message | None:
    """The certificate itself; nothing where it is not valid, or says something else by now."""
    event, words = msgspec.convert(params, CertificatePrinted), draft.words
    held, slug = await domain.get_held(draft.tx, event.certificate_id)
    said = held.certificate.printed
    if not domain.is_valid(held) or said.revision != event.revision:
        return None
    _ = words.translator.gettext
    if said.reason is PrintReason.ISSUED:
        head = _("<b>Your certificate is ready</b>")
    else:
        head = _("<b>Your certificate has been printed again</b>")
    rows = [head, words.isolated(said.course), words.isolated(said.name)]
    picture = await domain.get_file(
        draft.tx, draft.ring, draft.files, event.certificate_id, said.revision, FileKind.PNG
    )
    document = Document(picture.name, picture.data, picture=True)
    return Message("\n".join(rows), (_button(draft, slug),), document=document)


async def _revoked(draft: Draft, params: Params) -> Message | None:
    event, words = msgspec.convert(params, CertificateRevoked), draft.words
    held, slug = await domain.get_held(draft.tx, event.certificate_id)
    if held.certificate.revoked_at != event.revoked_at:
        return None
    _ = words.translator.gettext
    rows = [_("<b>Your certificate for {course} was revoked</b>").format(course=_course(draft, held))]
    reason = html.escape(held.certificate.revoke_reason, quote=False)
    rows.append(_("Reason: {reason}").format(reason=f"\u2068{reason}\u2069"))
    rows.append(_("If this is a mistake, write to us here."))
    return Message("\n".join(rows), (_button(draft, slug),))


async def _restored(draft: Draft, params: Params) -> Message | None:
    event, words = msgspec.convert(params, CertificateRestored), draft.words
    held, slug = await domain.get_held(draft.tx, event.certificate_id)
    if held.status is not Status.VALID:
        return None
    text = words.translator.gettext("<b>Your certificate for {course} is valid again</b>")
    return Message(text.format(course=_course(draft, held)), (_button(draft, slug),))


def _course(draft: Draft, held: Held) -> str:
    return draft.words.isolated(held.certificate.printed.course)


def _button(draft: Draft, slug: str) -> Button:
    return draft.words.button(draft.words.translator.gettext("Open certificate"), f"/learn/{slug}/certificate")


NOTICES: Final = (
    Notice(
        event=CertificatePrinted,
        kind="certificate_printed",
        audience=person(lambda event: event.user_id),
        key="certificate_printed:{certificate_id}:{revision}",
        compose=_printed,
    ),
    Notice(
        event=CertificateRevoked,
        kind="certificate_revoked",
        audience=person(lambda event: event.user_id),
        key="certificate_revoked:{certificate_id}:{revoked_at}",
        compose=_revoked,
        urgent=False,
    ),
    Notice(
        event=CertificateRestored,
        kind="certificate_restored",
        audience=person(lambda event: event.user_id),
        key="certificate_restored:{certificate_id}:{restored_at}",
        compose=_restored,
        urgent=False,
    ),
)
