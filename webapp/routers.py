"""Every slice's handlers, as the routers of the web process: pages, back office, JSON, hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from litestar import Router
from litestar.types import ControllerRouterHandler

from webapp.admin import home
from webapp.admin import search as admin_search
from webapp.approvals import admin as approvals_admin
from webapp.assignments import admin as assignments_admin
from webapp.assignments import figures as feedback_figures
from webapp.assignments import routes as assignments
from webapp.catalog import api as catalog_api
from webapp.catalog import api_favourites as favourites_api
from webapp.catalog import api_waiting as waiting_api
from webapp.catalog import favourites, waiting
from webapp.catalog import routes as catalog
from webapp.catalog.admin import bin as bin_admin
from webapp.catalog.admin import catalogue_files, goods_files, stock_batches, stock_import
from webapp.catalog.admin import categories as categories_admin
from webapp.catalog.admin import pictures as product_pictures
from webapp.catalog.admin import products as products_admin
from webapp.catalog.admin import questions as questions_admin
from webapp.catalog.admin import stock as stock_admin
from webapp.catalog.admin import variants as variants_admin
from webapp.certificates import admin as certificates_admin
from webapp.certificates import files as certificate_files
from webapp.certificates import public as certificates_public
from webapp.certificates import routes as certificates
from webapp.community import admin as groups_admin
from webapp.core.shell import root
from webapp.courses import media as lesson_media
from webapp.courses.admin import changes, plans, runs, schedules, students
from webapp.courses.admin import courses as courses_admin
from webapp.courses.admin import deliveries as lesson_deliveries
from webapp.courses.admin import editor as lesson_editor
from webapp.courses.admin import figures as course_figures
from webapp.courses.admin import lessons as lessons_admin
from webapp.courses.admin import quiz as quiz_editor
from webapp.courses.routes import course, lesson, line
from webapp.growth.admin import bonuses, partners, promos, vouchers
from webapp.growth.admin import premium as premium_admin
from webapp.growth.routes import codes, premium
from webapp.identity.admin import admins, audit, finding, notes, people, roles, sellers
from webapp.identity.admin import bulk as people_bulk
from webapp.identity.admin import invitations as admin_invitations
from webapp.identity.admin import sessions as admin_sessions
from webapp.identity.api import api_me
from webapp.identity.routes.about import about_pages
from webapp.identity.routes.invitation import INVITATION_HANDLERS
from webapp.identity.routes.me import me_pages
from webapp.identity.routes.sellers import SELLER_HANDLERS
from webapp.identity.routes.sessions import SESSION_HANDLERS
from webapp.identity.routes.timezone import ZONE_HANDLERS
from webapp.notifications import admin as deliveries
from webapp.orders import api as orders_api
from webapp.orders import api_cart as cart_api
from webapp.orders.admin import bulk as order_bulk
from webapp.orders.admin import claims, hand_work
from webapp.orders.admin import orders as orders_admin
from webapp.orders.admin import refunds as order_refunds
from webapp.orders.admin import subscriptions as subscriptions_admin
from webapp.orders.routes import cart, cart_controls, checkout, orders, subscriptions, warranty
from webapp.payments import hooks
from webapp.payments.admin import deposits, methods, reconciliation, refunds, unmatched
from webapp.payments.admin import payments as payments_admin
from webapp.payments.routes import payments, top_up
from webapp.quizzes import admin as quizzes_admin
from webapp.quizzes import routes as quizzes
from webapp.readings import cards as reading_cards
from webapp.readings import proofs as reading_proofs
from webapp.readings import stream as reading_stream
from webapp.readings.admin import figures as reading_figures
from webapp.readings.admin import gifts as credit_gifts
from webapp.readings.admin import home as reading_room_admin
from webapp.readings.admin import packages as packages_admin
from webapp.readings.admin import prompts as prompts_admin
from webapp.readings.admin import settings as reading_settings
from webapp.readings.admin import spreads as spreads_admin
from webapp.readings.routes import asking, reading, room, sharing
from webapp.readings.routes import credits as reading_credits
from webapp.support import routes as support
from webapp.support.admin import message as message_admin
from webapp.support.admin import ready as ready_answers
from webapp.support.admin import tickets as tickets_admin
from webapp.wallet import api as wallet_api
from webapp.wallet import routes as wallet
from webapp.wallet.admin import adjustments, ledger

# One router for each kind: handlers of one path but different methods must stand in the same one.
_PAGES: Final = Router(
    path="/",
    route_handlers=[
        *catalog.SHOP_HANDLERS,
        *waiting.WAITING_HANDLERS,
        *favourites.FAVOURITE_HANDLERS,
        *cart.CART_HANDLERS,
        *cart_controls.CONTROL_HANDLERS,
        *checkout.CHECKOUT_HANDLERS,
        *orders.ORDERS_HANDLERS,
        *warranty.WARRANTY_HANDLERS,
        *subscriptions.HANDLERS,
        *wallet.WALLET_HANDLERS,
        *top_up.TOPUP_HANDLERS,
        *payments.PAYMENT_HANDLERS,
        *codes.GROWTH_HANDLERS,
        *ZONE_HANDLERS,
        *SELLER_HANDLERS,
        *SESSION_HANDLERS,
        *INVITATION_HANDLERS,
        *course.COURSE_HANDLERS,
        *line.LINE_HANDLERS,
        *lesson.LESSON_HANDLERS,
        *lesson_media.HANDLERS,
        *assignments.HANDLERS,
        *certificates.HANDLERS,
        *certificate_files.HANDLERS,
        *certificates_public.HANDLERS,
        *quizzes.HANDLERS,
        *reading_stream.HANDLERS,
        *premium.PREMIUM_HANDLERS,
        *reading_cards.HANDLERS,
        *reading_proofs.HANDLERS,
        *room.HANDLERS,
        *reading_credits.HANDLERS,
        *asking.HANDLERS,
        *reading.HANDLERS,
        *sharing.HANDLERS,
        *support.HANDLERS,
    ],
    include_in_schema=False,
)
_ADMIN: Final = Router(
    path="/",
    route_handlers=[
        home.home,
        home.counts,
        *admin_search.HANDLERS,
        *claims.HANDLERS,
        *orders_admin.HANDLERS,
        *goods_files.HANDLERS,
        *product_pictures.HANDLERS,
        *order_bulk.HANDLERS,
        *products_admin.HANDLERS,
        *categories_admin.HANDLERS,
        *catalogue_files.HANDLERS,
        *stock_admin.HANDLERS,
        *stock_import.HANDLERS,
        *variants_admin.HANDLERS,
        *bin_admin.HANDLERS,
        *questions_admin.HANDLERS,
        *stock_batches.HANDLERS,
        *order_refunds.HANDLERS,
        *hand_work.HANDLERS,
        *waiting.ADMIN_HANDLERS,
        *subscriptions_admin.HANDLERS,
        *finding.HANDLERS,
        *people_bulk.HANDLERS,
        *people.HANDLERS,
        *message_admin.HANDLERS,
        *tickets_admin.HANDLERS,
        *ready_answers.HANDLERS,
        *notes.HANDLERS,
        *sellers.HANDLERS,
        *premium_admin.HANDLERS,
        *adjustments.HANDLERS,
        *payments_admin.HANDLERS,
        *refunds.HANDLERS,
        *deposits.HANDLERS,
        *unmatched.HANDLERS,
        *approvals_admin.HANDLERS,
        *reconciliation.HANDLERS,
        *vouchers.HANDLERS,
        *bonuses.HANDLERS,
        *partners.HANDLERS,
        *promos.HANDLERS,
        *ledger.HANDLERS,
        *methods.HANDLERS,
        *deliveries.HANDLERS,
        *courses_admin.HANDLERS,
        *plans.HANDLERS,
        *runs.HANDLERS,
        *lessons_admin.HANDLERS,
        *lesson_editor.HANDLERS,
        *quiz_editor.HANDLERS,
        *students.HANDLERS,
        *schedules.HANDLERS,
        *changes.HANDLERS,
        *lesson_deliveries.HANDLERS,
        *course_figures.HANDLERS,
        *assignments_admin.HANDLERS,
        *certificates_admin.HANDLERS,
        *groups_admin.HANDLERS,
        *feedback_figures.HANDLERS,
        *quizzes_admin.HANDLERS,
        *reading_room_admin.HANDLERS,
        *spreads_admin.HANDLERS,
        *packages_admin.HANDLERS,
        *prompts_admin.HANDLERS,
        *reading_figures.HANDLERS,
        *credit_gifts.HANDLERS,
        *reading_settings.HANDLERS,
        *admins.HANDLERS,
        *audit.HANDLERS,
        *admin_sessions.HANDLERS,
        *admin_invitations.HANDLERS,
        *roles.HANDLERS,
    ],
    include_in_schema=False,
)
_API: Final = Router(
    path="/api/v1",
    route_handlers=[
        api_me,
        *catalog_api.HANDLERS,
        *favourites_api.HANDLERS,
        *waiting_api.HANDLERS,
        *orders_api.HANDLERS,
        *cart_api.HANDLERS,
        *wallet_api.HANDLERS,
    ],
    include_in_schema=True,
    # What it tells is one person's own: nothing between here and them may keep it.
    response_headers={"cache-control": "no-store", "vary": "Authorization"},
)
ROUTERS: Final[Sequence[ControllerRouterHandler]] = (root, me_pages, about_pages, _PAGES, _ADMIN, _API, hooks.hook)
