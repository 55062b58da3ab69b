"""What messages say of an enrolment."""

from __future__ import annotations

from backend.catalog.domain import goods
from backend.courses.repository import grants
from backend.courses.repository import subjects as repository
from backend.courses.types import EnrolmentId, GrantId
from backend.courses.types.subjects import Subject
from backend.infra.unit_of_work import Tx
from backend.kernel.errors import NotFound


async def get_subject(tx: Tx, enrolment_id: EnrolmentId, grant_id: GrantId | None = None) -> Subject:
    """A person's course as it is now, and how the grant ended that the message is about. Raises NotFound."""
    facts = await repository.find_facts(tx, enrolment_id)
    if facts is None:
        raise NotFound("no such enrolment")
    grant = await grants.find_grant(tx, grant_id=grant_id) if grant_id is not None else None
    products = await goods.list_products(tx, [facts.product_id])
    variants = await goods.list_variants(tx, [facts.product_id])
    return Subject(
        slug=facts.slug,
        name=products[facts.product_id].fields.name,
        tariff=variants[facts.variant_id].fields.name if facts.variant_id is not None else None,
        starts_on=facts.starts_on,
        next_due_at=facts.next_due_at,
        end_reason=grant.end_reason if grant else None,
    )
