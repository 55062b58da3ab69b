"""Background work of certificates."""

from __future__ import annotations

from typing import Final

from backend.certificates.service import Printing
from backend.certificates.types import CertificateIssued, CertificateReprinted
from backend.infra.jobs import Handler, Job, Task

_ISSUED: Final = Handler("certificates.print", CertificateIssued)
_REPRINTED: Final = Handler("certificates.print_again", CertificateReprinted)
HANDLERS: Final = (_ISSUED, _REPRINTED)
"""The events that certificates react to."""


def tasks(printing: Printing) -> list[Task]:
    """Tasks: make the files of what was issued or changed."""

    async def issued(event: CertificateIssued | CertificateReprinted, _job: Job) -> None:
        await printing.print_all(event.certificate_id, event.revision)

    return [_ISSUED.runs(issued), _REPRINTED.runs(issued)]
