"""The one composition root: plain constructors, no container."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.admin.service import AdminService, AuditService, SettingsService
from backend.approvals.service import ApprovalsService
from backend.assignments.service import AssignmentsServices
from backend.audience import tasks as audience_tasks
from backend.audience.service import AudienceServices
from backend.catalog import tasks as catalog_tasks
from backend.catalog.fulfilment.by_hand import ByHand
from backend.catalog.fulfilment.files import Files
from backend.catalog.fulfilment.shared_key import SharedKeys
from backend.catalog.fulfilment.unique_keys import UniqueKeys
from backend.catalog.service import CatalogServices
from backend.catalog.types.fulfilment import Fulfiller
from backend.certificates import domain as certificates
from backend.certificates import tasks as certificates_tasks
from backend.certificates.gateways import certificates_services
from backend.certificates.service import CertificatesServices
from backend.community import tasks as community_tasks
from backend.community.gateways.telegram import TelegramChats
from backend.community.service import CommunityServices
from backend.courses import tasks as courses_tasks
from backend.courses.domain import timeline as course_timeline
from backend.courses.fulfilment import CoursePlaces
from backend.courses.gateways.telegram import TelegramLessons
from backend.courses.service import ChatFiles, CoursesServices
from backend.growth import tasks as growth_tasks
from backend.growth.fulfilment import PremiumMonths
from backend.growth.service import GrowthServices
from backend.identity import domain as identity
from backend.identity.service import IdentityServices, identity_services
from backend.infra.content_files import ContentFiles
from backend.infra.crypto import KeyRing
from backend.infra.database import make_engine
from backend.infra.jobs import conditions, subscriptions
from backend.infra.live_settings import Live, LiveSettings
from backend.infra.memory import RedisMemory
from backend.infra.outbox import Conditions, Subscriptions
from backend.infra.rate_limit import RateLimiter
from backend.infra.redis import make_redis
from backend.infra.settings import Settings
from backend.infra.signals import Signals
from backend.infra.staged import StagedFiles
from backend.infra.stamp import Stamper
from backend.infra.storage import PrivateFiles, Storage
from backend.infra.telegram.client import Telegram
from backend.infra.telegram.pace import Pace
from backend.infra.timeline import EntryKind, Source
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.clock import Clock, SystemClock
from backend.limits import LimitsInForce
from backend.notifications import domain as notifications
from backend.notifications import tasks as notifications_tasks
from backend.notifications.chat_pictures import ChatPictures
from backend.notifications.gateways.telegram import TelegramMessenger
from backend.notifications.service import NotificationsService
from backend.orders import tasks as orders_tasks
from backend.orders.domain import people
from backend.orders.domain.lines import Fulfillers
from backend.orders.service import OrdersServices
from backend.payments import domain as payments_domain
from backend.payments.gateways import (
    crypto_pay,
    demo,
    deposit,
    paypal,
    stripe_checkout,
    telegram_cards,
    telegram_stars,
    usdt_evm,
    usdt_ton,
    usdt_tron,
)
from backend.payments.gateways.http import HttpClient
from backend.payments.ports import ProviderKit, ProviderSpec
from backend.payments.service import PaymentServices, configure
from backend.quizzes.service import QuizzesServices
from backend.readings import tasks as readings_tasks
from backend.readings.domain import timeline as reading_timeline
from backend.readings.fulfilment import ReadingCredits
from backend.readings.gateways import interpretation_services
from backend.readings.gateways.telegram import TelegramReadingChats
from backend.readings.service import ReadingsServices
from backend.readings.service.interpretation import InterpretationServices
from backend.support import domain as support
from backend.support.service import SupportServices
from backend.wallet import domain as wallet
from backend.wallet.service import AdjustmentsService, LedgerService, StatementService, WalletServices

_HANDLERS: Final = (
    *audience_tasks.HANDLERS,
    *catalog_tasks.HANDLERS,
    *orders_tasks.HANDLERS,
    *notifications_tasks.HANDLERS,
    *growth_tasks.HANDLERS,
    *courses_tasks.HANDLERS,
    *certificates_tasks.HANDLERS,
    *community_tasks.HANDLERS,
    *readings_tasks.HANDLERS,
)
SUBSCRIPTIONS: Final[Subscriptions] = subscriptions(_HANDLERS)
"""Each event's name, and the tasks that it starts."""
CONDITIONS: Final[Conditions] = conditions(_HANDLERS)
"""The tasks that only some of their events start."""


@dataclass(frozen=True, kw_only=True)
class Services:
    """The whole backend, ready to be called by the roots (web, bot, worker, command line)."""

    settings: Settings
    """The environment's; what admins changed of them is in ``live``."""
    live: LiveSettings
    clock: Clock
    engine: AsyncEngine
    signals: Signals
    uow: UnitOfWork
    redis: Redis
    limiter: RateLimiter
    ring: KeyRing
    storage: Storage
    identity: IdentityServices
    catalog: CatalogServices
    approvals: ApprovalsService
    wallet: WalletServices
    growth: GrowthServices
    payments: PaymentServices
    orders: OrdersServices
    courses: CoursesServices
    community: CommunityServices
    quizzes: QuizzesServices
    assignments: AssignmentsServices
    certificates: CertificatesServices
    readings: ReadingsServices
    interpretation: InterpretationServices
    support: SupportServices
    audience: AudienceServices
    notifications: NotificationsService
    admin: AdminService
    audit: AuditService
    shop_settings: SettingsService
    http: HttpClient
    telegram: Telegram

    @asynccontextmanager
    async def running(self, *, listen: bool = True) -> AsyncIterator[None]:
        """Send signals and, where asked, hear them, while the context lasts; then close every connection."""
        try:
            async with self.signals.running(listen=listen), self.live.running(listen=listen):
                yield
        finally:
            await self.interpretation.close()
            await self.http.close()
            await self.redis.aclose()
            await self.engine.dispose()


PROVIDERS: Final[tuple[ProviderSpec, ...]] = (
    demo.SPEC,
    telegram_stars.SPEC,
    telegram_cards.SPEC,
    stripe_checkout.SPEC,
    paypal.SPEC,
    crypto_pay.SPEC,
    usdt_tron.SPEC,
    usdt_ton.SPEC,
    usdt_evm.SPEC,
    deposit.SPEC,
)
"""Every payment method, in the order in which buyers see it; a new one is a line here and a payments/gateways file."""


FULFILLERS: Final[tuple[Callable[[KeyRing], Fulfiller], ...]] = (UniqueKeys, SharedKeys, ByHand, Files)
"""Who delivers each kind of goods in stock; a new kind is a line here and a ``fulfilment`` file of its slice."""


def make_fulfillers(ring: KeyRing, premium_grace: Live[timedelta] = lambda: timedelta(days=3)) -> Fulfillers:
    """The registry of all kinds of goods; with them premium, courses and credits, which have no stock and no keys."""
    return Fulfillers(
        [*(make(ring) for make in FULFILLERS), PremiumMonths(premium_grace), CoursePlaces(), ReadingCredits()]
    )


def _timeline_sources(ring: KeyRing) -> tuple[Source, ...]:
    """Where a person's history is read; a new kind of entry is a line here."""
    return (
        Source(EntryKind.VISIT, identity.list_visits),
        *people.SOURCES,
        payments_domain.TIMELINE,
        wallet.TIMELINE,
        notifications.TIMELINE,
        support.TIMELINE,
        course_timeline.SOURCE,
        certificates.TIMELINE,
        reading_timeline.SOURCE,
        identity.notes_source(ring),
    )


def build(settings: Settings, *, clock: Clock | None = None) -> Services:
    """Put the backend together; nothing is connected before it is used. Raises SettingsError for bad MASTER_KEYS."""
    clock = clock or SystemClock()
    ring = KeyRing(settings.master_keys)
    engine = make_engine(settings.database_url, pool_size=settings.database_pool)
    signals = Signals(engine, settings.database_url)
    uow = UnitOfWork(engine, clock, signals, SUBSCRIPTIONS, CONDITIONS, ring)
    live = LiveSettings(settings, uow, signals)
    limits = LimitsInForce(live)
    redis = make_redis(settings.redis_url)
    limiter = RateLimiter(redis)
    currency = settings.shop_currency
    http = HttpClient()
    pace = Pace(redis, settings.bot_id, per_second=settings.telegram_per_second)
    telegram = Telegram(settings.telegram_api_url, settings.bot_token, http, pace)
    providers, setups = configure(PROVIDERS, settings, ProviderKit(clock=clock, http=http, memory=RedisMemory(redis)))
    fulfillers = make_fulfillers(ring, limits.premium_grace)
    files = PrivateFiles(Path(settings.data_dir) / "private")
    storage = Storage(Path(settings.data_dir) / "media")
    stamper = Stamper()
    course_files = ContentFiles(Path(settings.data_dir) / "courses")
    by_name = {provider.name: provider for provider in providers}
    payments = PaymentServices.build(
        uow=uow,
        ring=ring,
        files=files,
        providers=by_name,
        setups=setups,
        limits=limits.top_up,
        single_admin_limit=limits.single_admin,
        shop=settings.shop_name,
        telegram_provider_token=settings.telegram_provider_token,
    )
    people = identity_services(
        uow=uow,
        ring=ring,
        signals=signals,
        redis=redis,
        limiter=limiter,
        clock=clock,
        premium_grace=limits.premium_grace,
        root_admin_id=settings.root_admin_id,
        default_language=settings.default_language,
        default_timezone=settings.default_timezone,
    )
    return Services(
        settings=settings,
        live=live,
        clock=clock,
        engine=engine,
        signals=signals,
        uow=uow,
        redis=redis,
        limiter=limiter,
        ring=ring,
        storage=storage,
        identity=people,
        catalog=CatalogServices.build(
            uow=uow,
            ring=ring,
            currency=currency,
            fulfillers=fulfillers,
            files=files,
            storage=storage,
            staged=StagedFiles(Path(settings.data_dir) / "staged"),
            stamper=stamper,
            hold=limits.waiting,
            quiet=limits.end_of_quiet_hours,
            timezone=settings.default_timezone,
        ),
        approvals=ApprovalsService(uow=uow, limit=limits.single_admin),
        wallet=WalletServices(
            statement=StatementService(uow=uow, currency=currency),
            ledger=LedgerService(uow=uow),
            adjustments=AdjustmentsService(uow=uow, limit=limits.single_admin),
        ),
        growth=GrowthServices.build(
            uow=uow,
            ring=ring,
            limiter=limiter,
            clock=clock,
            limits=limits.code,
            single_admin_limit=limits.single_admin,
            premium_grace=limits.premium_grace,
        ),
        payments=payments,
        orders=OrdersServices.build(
            uow=uow,
            ring=ring,
            fulfillers=fulfillers,
            single_admin_limit=limits.single_admin,
            reservation=limits.reservation,
            longest=limits.longest_reservation,
            limits=limits.reserving,
            remind_after=limits.cart_reminder,
            premium_grace=limits.premium_grace,
            grace=limits.grace,
            claims_alone=limits.claims_alone,
            methods={name: provider.capabilities for name, provider in by_name.items()},
            list_methods=payments.methods.enabled,
            files=files,
            stamper=stamper,
        ),
        courses=CoursesServices.build(
            uow=uow,
            currency=currency,
            messenger=TelegramLessons(telegram, ChatFiles(uow=uow, files=course_files, bot_id=settings.bot_id)),
            public_url=settings.public_url.rstrip("/"),
            files=course_files,
            largest_file=settings.course_file_mb * 1_000_000,
        ),
        community=CommunityServices.build(
            uow=uow,
            chats=TelegramChats(telegram, settings.bot_id),
            bot_id=settings.bot_id,
            shop=settings.shop_name,
            default_language=settings.default_language,
        ),
        assignments=AssignmentsServices.build(
            uow=uow,
            ring=ring,
            files=files,
            chat_files=telegram,
            archived=PrivateFiles(Path(settings.data_dir) / "archive"),
            archive_after=limits.archive_after,
        ),
        certificates=certificates_services(settings, uow, ring, files, telegram),
        quizzes=QuizzesServices.build(uow=uow),
        readings=ReadingsServices.build(
            uow=uow,
            ring=ring,
            limits=limits.readings,
            single_admin_limit=limits.single_admin,
            currency=currency,
            chats=TelegramReadingChats(telegram),
            shop=settings.shop_name,
            link=settings.bot_url or settings.public_url.rstrip("/"),
        ),
        interpretation=interpretation_services(settings, uow, ring, signals, live),
        support=SupportServices.build(uow=uow, ring=ring, shop=settings.shop_name),
        audience=AudienceServices.build(
            uow=uow,
            forget=people.people.forget,
            sources=_timeline_sources(ring),
            grace=limits.premium_grace,
            currency=currency,
        ),
        notifications=NotificationsService(
            uow=uow,
            fulfillers=fulfillers,
            ring=ring,
            files=files,
            messenger=TelegramMessenger(telegram, ChatPictures(uow=uow, storage=storage, bot_id=settings.bot_id)),
            public_url=settings.public_url.rstrip("/"),
            receipts=payments.deposits.latest_receipt,
            quiet_hours=limits.quiet_hours,
            timezone=settings.default_timezone,
        ),
        admin=AdminService(uow=uow),
        audit=AuditService(uow=uow),
        shop_settings=SettingsService(uow=uow, live=live),
        http=http,
        telegram=telegram,
    )
