"""Certificates inside the caller's transaction: how they stand, and their files as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from backend.certificates import repository
from backend.certificates.repository import Stored
from backend.certificates.rules import standing
from backend.certificates.types import Certificate, CertificateId, Content, FileKind, Held, Status
from backend.courses.domain import certifying
from backend.courses.domain.teaching import get_course
from backend.courses.types import EnrolmentId
from backend.infra.crypto import KeyRing, open_sealed
from backend.infra.storage import PrivateFiles
from backend.infra.timeline import EntryKind, Source
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound

TIMELINE: Final = Source(EntryKind.CERTIFICATE, repository.list_timeline)
"""A person's certificates, for their timeline."""


async def list_held(tx: Tx, stored: Sequence[Stored]) -> list[Held]:
    """Certificates with their status now, in their order."""
    beside = await certifying.list_beside(tx, {one.certificate.enrolment_id for one in stored})
    held = []
    for one in stored:
        certificate = one.certificate
        whose = (certificate.user_id, certificate.course_id)
        enrolments = [item for item in beside if (item.user_id, item.course_id) == whose]
        status = standing.status(certificate, enrolments, per_run=one.per_run)
        held.append(Held(certificate=certificate, status=status))
    return held


async def get_held(tx: Tx, certificate_id: CertificateId) -> tuple[Held, str]:
    """A certificate with its status now, and the slug of its course. Raises NotFound."""
    (held,) = await list_held(tx, [await repository.get(tx, certificate_id)])
    return held, (await get_course(tx, held.certificate.course_id)).slug


async def get_file(
    tx: Tx, ring: KeyRing, files: PrivateFiles, certificate_id: CertificateId, revision: int, kind: FileKind
) -> Content:
    """A file that was made before. Raises NotFound, DecryptionError."""
    stored = await repository.get(tx, certificate_id)
    name = (await repository.list_files(tx, certificate_id, revision)).get(kind)
    if name is None:
        raise NotFound("not made yet")
    key = await ring.get(tx, stored.key_id)
    data = open_sealed(key, await files.get(name), file_context(certificate_id, revision, kind))
    return content(stored.certificate, kind, data)


def content(certificate: Certificate, kind: FileKind, data: bytes) -> Content:
    """A file under the name that it is saved by."""
    return Content(f"certificate-{certificate.number}.{kind}", kind.mime, data)


def file_context(certificate_id: CertificateId, revision: int, kind: FileKind) -> bytes:
    """What an encrypted file is bound to."""
    return certificate_id.bytes + revision.to_bytes(4, "big") + kind.encode()


async def can_ask(tx: Tx, enrolment_id: EnrolmentId) -> bool:
    """Whether the person can ask for a certificate of this enrolment's course, and has none."""
    beside = await certifying.list_beside(tx, [enrolment_id])
    one = next((item for item in beside if item.enrolment_id == enrolment_id), None)
    if one is None or not one.certifies:
        return False
    course = await get_course(tx, one.course_id)
    listed = await repository.list_of(tx, one.user_id, one.course_id)
    return find_own(listed, one.enrolment_id, per_run=course.terms.certificate_per_run) is None


def find_own(listed: Sequence[Stored], enrolment_id: EnrolmentId, *, per_run: bool) -> Stored | None:
    """Of a person's certificates for a course, the one that they have for an enrolment."""
    return next((one for one in listed if not per_run or one.certificate.enrolment_id == enrolment_id), None)


def is_valid(held: Held) -> bool:
    """Whether it may be shown, downloaded and shared."""
    return held.status is Status.VALID
