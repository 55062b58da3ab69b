"""What is asked at the purchase of a product, as admins edit it."""

from __future__ import annotations

from collections.abc import Sequence

from backend.catalog.domain import goods
from backend.catalog.errors import OwnEditor, QuestionsEdited
from backend.catalog.repository import questions as repository
from backend.catalog.repository import variants, writes
from backend.catalog.rules import answers as rules
from backend.catalog.types import ProductId
from backend.catalog.types.questions import NOTHING_ASKED, ProductQuestions, Question
from backend.catalog.types.variants import VariantsProduct
from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import Tx, UnitOfWork, retry_conflicts


class QuestionsService:
    """Questions for admins with the permission for the catalogue. Old answers keep the question as it was asked."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def get(self, actor: Actor, product_id: ProductId) -> tuple[VariantsProduct, ProductQuestions]:
        """A product and what is asked at its purchase. Raises Forbidden, NotFound, OwnEditor."""
        actor.require(Permission.CATALOGUE)
        async with self._uow.read() as tx:
            return await self._product(tx, product_id), await repository.find(tx, product_id)

    @retry_conflicts
    async def save(self, actor: Actor, product_id: ProductId, questions: Sequence[Question], *, version: int) -> None:
        """Ask these questions from now on, in this order; the actor has read ``version``.

        The same questions again are no conflict. Raises Forbidden, NotFound, Invalid, OwnEditor, QuestionsEdited where
        somebody else changed them meanwhile.
        """
        actor.require(Permission.CATALOGUE)
        rules.check_questions(questions)
        async with self._uow() as tx:
            await goods.lock(tx)
            await self._product(tx, product_id)
            stored = await repository.find(tx, product_id)
            if stored.questions == tuple(questions):
                return
            if stored.version != version:
                raise QuestionsEdited()
            await repository.put(tx, product_id, version + 1, questions)
            facts = {
                "before": [one.label.get("en", "") for one in stored.questions],
                "after": [one.label.get("en", "") for one in questions],
            }
            await audit.record(tx, actor.user_id, "catalogue.change_questions", f"product:{product_id}", facts)
            await writes.bump_version(tx)

    @staticmethod
    async def _product(tx: Tx, product_id: ProductId) -> VariantsProduct:
        product = await variants.get_product(tx, product_id)
        if product.kind in NOTHING_ASKED:
            raise OwnEditor()
        return product
