"""Use cases of the reading room, grouped; what writes the texts is in ``interpretation``."""

from __future__ import annotations

from dataclasses import dataclass

from backend.infra.crypto import KeyRing
from backend.infra.live_settings import Live
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.money import Money
from backend.readings.ports import Chats
from backend.readings.service.asking import AskingService
from backend.readings.service.figures import FiguresService
from backend.readings.service.gifts import CreditGiftsService
from backend.readings.service.packages import PackagesService
from backend.readings.service.picture import share_typesetter
from backend.readings.service.proofs import ProofsService
from backend.readings.service.rooms import RoomsService
from backend.readings.service.sharing import SharingService
from backend.readings.service.shelf import ShelfService
from backend.readings.service.spreads import SpreadsService
from backend.readings.service.upkeeping import RoomUpkeepService
from backend.readings.types.limits import ReadingLimits

__all__ = [
    "AskingService",
    "CreditGiftsService",
    "FiguresService",
    "PackagesService",
    "ProofsService",
    "ReadingsServices",
    "RoomUpkeepService",
    "RoomsService",
    "SharingService",
    "ShelfService",
    "SpreadsService",
]


@dataclass(frozen=True, kw_only=True)
class ReadingsServices:
    """The services of this slice, one for each concern."""

    rooms: RoomsService
    """What a person sees of their readings, deletes and exports."""
    asking: AskingService
    """Commitments, questions, follow-ups, attempts."""
    proofs: ProofsService
    sharing: SharingService
    shelf: ShelfService
    """What is offered to everybody."""
    spreads: SpreadsService
    """For admins."""
    packages: PackagesService
    """For admins."""
    gifts: CreditGiftsService
    """Admins give credits away."""
    figures: FiguresService
    """For admins."""
    upkeep: RoomUpkeepService
    """What timers do."""

    @classmethod
    def build(
        cls,
        *,
        uow: UnitOfWork,
        ring: KeyRing,
        limits: Live[ReadingLimits],
        single_admin_limit: Live[Money],
        currency: str,
        chats: Chats,
        shop: str,
        link: str,
    ) -> ReadingsServices:
        """All of them; ``link`` is where the picture of a reading leads."""
        rooms = RoomsService(uow=uow, ring=ring, limits=limits)
        return cls(
            rooms=rooms,
            sharing=SharingService(rooms=rooms, typesetter=share_typesetter(), chats=chats, shop=shop, link=link),
            asking=AskingService(uow=uow, ring=ring, limits=limits),
            proofs=ProofsService(uow=uow),
            shelf=ShelfService(uow=uow),
            spreads=SpreadsService(uow=uow),
            packages=PackagesService(uow=uow, currency=currency),
            gifts=CreditGiftsService(uow=uow, limit=single_admin_limit),
            figures=FiguresService(uow=uow),
            upkeep=RoomUpkeepService(uow=uow, ring=ring),
        )
