"""Refusals of the catalogue."""

from __future__ import annotations

from backend.kernel.errors import AppError, Kind
from backend.kernel.ids import OrderLineId, UserId


class SoldOut(AppError):
    """Fewer keys are left than were asked for; ``available`` is how many could be had."""

    code = "sold_out"
    kind = Kind.CONFLICT

    def __init__(self, line_id: OrderLineId | None = None, *, available: int) -> None:
        super().__init__(available=available)
        self.line_id = line_id
        """The order line that could not be had."""


class ReservationGone(AppError):
    """The keys that were kept for an order line are not kept any more."""

    code = "reservation_gone"
    kind = Kind.CONFLICT


class PurchaseRefused(AppError):
    """A fulfiller sells the thing, but not to this person now. Each reason is a subclass with a code of its own."""

    kind = Kind.CONFLICT


class DownloadsUsedUp(AppError):
    """A file was downloaded as often as its purchase allows."""

    code = "downloads_used_up"
    kind = Kind.CONFLICT


class PictureChanged(AppError):
    """The product shows another picture by now, so that a change of its picture can't be undone."""

    code = "picture_changed"
    kind = Kind.CONFLICT


class ProductSlugTaken(AppError):
    """Another product has this slug."""

    code = "slug_taken"
    kind = Kind.CONFLICT


class ProductEdited(AppError):
    """Another admin changed the product since its form was opened."""

    code = "product_edited"
    kind = Kind.CONFLICT


class CategoryEdited(AppError):
    """Another admin changed the category since its form was opened."""

    code = "category_edited"
    kind = Kind.CONFLICT


class CategorySlugTaken(AppError):
    """Another category has this slug."""

    code = "category_slug_taken"
    kind = Kind.CONFLICT


class CategoryNotEmpty(AppError):
    """Products or categories are in the category."""

    code = "category_not_empty"
    kind = Kind.CONFLICT


class OrderChanged(AppError):
    """What was to be moved is not in the list any more, or what it was to come after."""

    code = "order_changed"
    kind = Kind.CONFLICT


class CatalogueChanged(AppError):
    """The catalogue is not the one any more with which a file was compared."""

    code = "catalogue_changed"
    kind = Kind.CONFLICT


class OwnEditor(AppError):
    """The product belongs to another slice, which has its own editor."""

    code = "own_editor"
    kind = Kind.CONFLICT


class ImportUnderWay(AppError):
    """Another import of the same kind is not done yet."""

    code = "import_under_way"
    kind = Kind.CONFLICT


class WorkTaken(AppError):
    """Another admin prepares it, or nobody does; ``by`` is who."""

    code = "work_taken"
    kind = Kind.CONFLICT

    def __init__(self, by: UserId | None) -> None:
        super().__init__(f"taken by {by}")
        self.by = by


class WorkEnded(AppError):
    """It was delivered or refused before."""

    code = "work_ended"
    kind = Kind.CONFLICT


class WorkRefunded(AppError):
    """All of it was refunded, so nothing is to be delivered."""

    code = "work_refunded"
    kind = Kind.CONFLICT


class StillInStock(AppError):
    """Nobody waits for what can be bought now."""

    code = "still_in_stock"
    kind = Kind.CONFLICT


class TooManyFavourites(AppError):
    """The person likes as many products as one person may; ``limit`` says how many."""

    code = "too_many_favourites"
    kind = Kind.CONFLICT

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)


class TooManyWaits(AppError):
    """The person waits for as many variants as one person may; ``limit`` says how many."""

    code = "too_many_waits"
    kind = Kind.CONFLICT

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)


class VariantEdited(AppError):
    """Somebody else has changed the variant, or the order of the variants, since it was read."""

    code = "variant_edited"
    kind = Kind.CONFLICT


class VariantArchived(AppError):
    """The variant is in the recycle bin: it is brought back before it is changed."""

    code = "variant_archived"
    kind = Kind.CONFLICT


class QuestionsEdited(AppError):
    """Somebody else has changed the questions since they were read."""

    code = "questions_edited"
    kind = Kind.CONFLICT
