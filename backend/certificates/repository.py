"""All SQL of certificates."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.certificates import models
from backend.certificates.types import Certificate, CertificateId, FileKind, Print, PrintReason
from backend.courses.types import CourseId
from backend.infra.timeline import Before, Entry, EntryKind, newest
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound
from backend.kernel.ids import DataKeyId, UserId
from backend.kernel.text import Locale, like

_C: Final = models.Certificate.__table__.c
_P: Final = models.CertificatePrint.__table__.c
_F: Final = models.CertificateFile.__table__.c
_OWN: Final = tuple(name for name in Certificate.__struct_fields__ if name != "printed")
_PRINT: Final = Print.__struct_fields__
_CERTIFICATES: Final = select(
    *(_C[name] for name in _OWN), *(_P[name] for name in _PRINT), _C.per_run, _C.data_key_id
).join(models.CertificatePrint, (_P.certificate_id == _C.id) & (_P.revision == _C.revision))


class Stored(msgspec.Struct, frozen=True):
    """A certificate, whether it is that of one run, and the id of the key that its files are encrypted with."""

    certificate: Certificate
    per_run: bool
    key_id: DataKeyId


async def add(tx: Tx, certificate: Certificate, *, per_run: bool, key_id: DataKeyId) -> bool:
    """Store a certificate with its first print; False where the person has one for the course, or for the run."""
    row = {name: getattr(certificate, name) for name in _OWN}
    row |= {"per_run": per_run, "data_key_id": key_id, "revision": certificate.printed.revision}
    added = upsert(models.Certificate).on_conflict_do_nothing().returning(_C.id)
    if (await tx.execute(added, row)).first() is None:
        return False
    await add_print(tx, certificate.id, certificate.printed)
    return True


async def add_print(tx: Tx, certificate_id: CertificateId, printed: Print) -> None:
    """Store what a certificate says from now on."""
    row = {"certificate_id": certificate_id} | msgspec.structs.asdict(printed)
    await tx.execute(insert(models.CertificatePrint), row)
    current = update(models.Certificate).where(_C.id == certificate_id)
    await tx.execute(current.values(revision=printed.revision))


async def change(tx: Tx, certificate_id: CertificateId, values: Mapping[str, Any]) -> None:
    """Change some columns of a certificate."""
    await tx.execute(update(models.Certificate).where(_C.id == certificate_id).values(dict(values)))


async def get(tx: Tx, certificate_id: CertificateId, *, locked: bool = False) -> Stored:
    """A certificate. Raises NotFound."""
    if locked:
        await tx.execute(select(_C.id).where(_C.id == certificate_id).with_for_update())
    stored = await _find(tx, _CERTIFICATES.where(_C.id == certificate_id))
    if stored is None:
        raise NotFound("no such certificate")
    return stored


async def find_by_code(tx: Tx, code: str) -> Stored | None:
    """The certificate of a code."""
    return await _find(tx, _CERTIFICATES.where(_C.code == code))


async def list_of(tx: Tx, user_id: UserId, course_id: CourseId) -> list[Stored]:
    """The certificates of a person for a course, the latest first."""
    statement = _CERTIFICATES.where(_C.user_id == user_id, _C.course_id == course_id)
    return [_stored(row) for row in await tx.execute(statement.order_by(_C.id.desc()))]


async def list_course(
    tx: Tx, course_id: CourseId, *, code: str | None, name: str, people: Collection[UserId], limit: int, offset: int
) -> list[Stored]:
    """The certificates of a course, the latest first: all, or those of a code, a part of a printed name, or people."""
    statement = _CERTIFICATES.where(_C.course_id == course_id)
    if name:
        matches: list[ColumnElement[bool]] = [_P.name.ilike(like(name)), _C.user_id.in_(people)]
        if code is not None:
            matches.append(_C.code == code)
        statement = statement.where(or_(*matches))
    rows = await tx.execute(statement.order_by(_C.id.desc()).limit(limit).offset(offset))
    return [_stored(row) for row in rows]


async def list_prints(tx: Tx, certificate_id: CertificateId) -> list[Print]:
    """Everything that a certificate says or said, the latest first."""
    statement = select(*(_P[name] for name in _PRINT)).where(_P.certificate_id == certificate_id)
    return [_print(row) for row in await tx.execute(statement.order_by(_P.revision.desc()))]


async def list_files(tx: Tx, certificate_id: CertificateId, revision: int) -> dict[FileKind, str]:
    """The private files of a revision; none until they are made."""
    statement = select(_F.kind, _F.stored).where(_F.certificate_id == certificate_id, _F.revision == revision)
    return {FileKind(row.kind): row.stored for row in await tx.execute(statement)}


async def add_file(tx: Tx, certificate_id: CertificateId, revision: int, kind: FileKind, stored: str) -> bool:
    """Note a file; False where another process has made the same."""
    row = {"certificate_id": certificate_id, "revision": revision, "kind": kind, "stored": stored}
    added = upsert(models.CertificateFile).on_conflict_do_nothing().returning(_F.kind)
    return (await tx.execute(added, row)).first() is not None


async def _find(tx: Tx, statement: Select[Any]) -> Stored | None:
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else _stored(row)


def _stored(row: Any) -> Stored:
    own = {name: getattr(row, name) for name in _OWN} | {"locale": Locale(row.locale)}
    return Stored(Certificate(**own, printed=_print(row)), row.per_run, DataKeyId(row.data_key_id))


def _print(row: Any) -> Print:
    fields = {name: getattr(row, name) for name in _PRINT}
    return Print(**fields | {"reason": PrintReason(row.reason)})


async def list_timeline(tx: Tx, user_id: UserId, before: Before, limit: int) -> list[Entry]:
    """The person's newest certificates before a place; a source of their timeline."""
    mine = select(_C.id, _C.code, _C.issued_at, _C.revoked_at).where(_C.user_id == user_id)
    statement = newest(mine, (_C.issued_at, _C.id), before, limit)
    return [
        Entry(
            kind=EntryKind.CERTIFICATE,
            at=row.issued_at,
            id=row.id,
            state="revoked" if row.revoked_at else "issued",
            number=row.code,
        )
        for row in await tx.execute(statement)
    ]
