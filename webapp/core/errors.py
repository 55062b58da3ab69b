"""Turns every error into a response: its kind gives the status, its code the text, the request the format."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from litestar.exceptions import HTTPException, InternalServerException, ValidationException

from backend.identity.types import Actor
from backend.infra.formatting import format_money
from backend.infra.health import database_lost
from backend.infra.i18n import mark as _
from backend.infra.storage import UPLOAD_MB
from backend.kernel.errors import LOG_LEVEL, AppError, Invalid, Kind, RateLimited, Unavailable
from backend.kernel.money import Money
from backend.kernel.text import Locale, fill
from webapp.core.error_page import ErrorPage
from webapp.core.site import Site

log = structlog.get_logger(__name__)

STATUS: Final[dict[Kind, int]] = {
    Kind.NOT_FOUND: 404,
    Kind.FORBIDDEN: 403,
    Kind.UNAUTHENTICATED: 401,
    Kind.CONFLICT: 409,
    Kind.INVALID: 400,
    Kind.PAYMENT_REQUIRED: 402,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}
_KIND_PAGES: Final[dict[Kind, str]] = {
    Kind.NOT_FOUND: "errors/not_found.html",
    Kind.FORBIDDEN: "errors/forbidden.html",
    Kind.UNAUTHENTICATED: "errors/expired.html",
    Kind.RATE_LIMITED: "errors/rate_limited.html",
    Kind.UNAVAILABLE: "errors/maintenance.html",
}
_ANY_PAGE: Final = "errors/_page.html"
_CODE_PAGES: Final[dict[str, str]] = {
    "blacklisted": "errors/blocked.html",
    "unauthenticated": "errors/outside.html",
    "internal_error": "errors/error.html",
    # Their own words say more than the page of their kind.
    "link_expired": _ANY_PAGE,
    "premium_only": _ANY_PAGE,
    "provider_down": _ANY_PAGE,
    "root_protected": _ANY_PAGE,
    "invitation_closed": _ANY_PAGE,
    "not_yourself": _ANY_PAGE,
    "second_admin_needed": _ANY_PAGE,
    "own_voucher": _ANY_PAGE,
}
_UNAVAILABLE_SECONDS: Final = 5
# What Litestar says of a client that hung up while its body was read, and the status by which nginx logs that.
_HUNG_UP: Final = "client disconnected prematurely"
_CLIENT_GONE: Final = 499


MESSAGES: Final[dict[str, str]] = {
    "invitation_closed": _("This invitation was used, revoked or has expired. Ask for a new one."),
    "not_found": _("Not found"),
    "forbidden": _("You don't have access"),
    "unauthenticated": _("Open the shop from Telegram"),
    "session_expired": _("Session expired. Open the shop again."),
    "init_data_expired": _("Session expired. Open the shop again from the bot"),
    "blacklisted": _("You're blocked"),
    "link_expired": _("Link expired. Go back and open it again."),
    "rate_limited": _("Too many requests. Try again in a moment."),
    "maintenance": _("Maintenance. Back in a few minutes."),
    "unavailable": _("The shop isn't responding. Try again in a moment."),
    "internal_error": _("Something went wrong. You haven't been charged."),
    "invalid_input": _("Some fields aren't valid"),
    "method_not_allowed": _("Not allowed here"),
    "too_slow": _("Sending timed out. Check your connection and try again."),
    "too_large": _("Too large to send. Files: {size} MB max."),
    "root_protected": _("The owner can't be changed here"),
    "not_yourself": _("You can't do this to yourself"),
    "insufficient_funds": _("You need {missing} more"),
    "sold_out": _("Just sold out. You haven't been charged."),
    "price_changed": _("The price has changed. You haven't been charged."),
    "quantity_not_allowed": _("Choose {minimum} to {maximum}"),
    "order_too_large": _("This order is too large. Choose fewer."),
    "person_limit_reached": _("Limit: {limit} per person. You have {bought}."),
    "premium_only": _("For premium members only"),
    "renewal_refused": _("Renewal can't be changed here. Change it in Telegram's settings."),
    "premium_too_long": _("Premium can last up to {limit} months from now. You haven't been charged."),
    "premium_endless": _("You already have premium with no end date. You haven't been charged."),
    "warranty_ended": _("There is no warranty for this any more."),
    "bot_blocked": _("They have blocked the bot. Nothing can be sent to them."),
    "segment_name_taken": _("You have a segment with this name. Choose another."),
    "role_name_taken": _("There is a role with this name. Choose another."),
    "too_many_roles": _("Up to {limit} roles. Delete one first."),
    "ready_answer_changed": _("Another admin has changed this answer. Open it again."),
    "claim_decided": _("Already handled by another admin"),
    "nothing_to_replace_with": _("No other key is in stock. Refund it instead."),
    "too_many_reservations": _("You have unpaid orders. Pay or cancel one first."),
    "reservation_too_large": _("You can reserve up to {limit} before paying"),
    "reservations_paused": _("Too many of your orders expired today. Top up your balance first."),
    "payment_too_late": _("Not enough time left for this method. Choose another."),
    "own_order": _("This order is your own: another admin must refund it"),
    "too_many_orders": _("Choose fewer orders: up to {limit} together"),
    "too_many_people": _("Choose fewer people: up to {limit} together"),
    "no_keys_to_send": _("This order has no keys to send"),
    "sent_too_often": _("These keys were already sent {limit} times today"),
    "nothing_to_hand_over": _("Nothing of this order is still to be prepared"),
    "order_not_payable": _("This order is no longer awaiting payment"),
    "import_under_way": _("Another import is running. Try again when it's done."),
    "product_edited": _("Another admin changed this product. Compare the changes."),
    "category_edited": _("Another admin changed this category. Compare the changes."),
    "category_slug_taken": _("This address is taken. Choose another."),
    "category_not_empty": _("Move its products and categories elsewhere first."),
    "order_changed": _("Another admin changed this list. Here it is now."),
    "catalogue_changed": _("The catalogue has changed since. These are the differences now."),
    "own_editor": _("This product has its own editor."),
    "reservation_gone": _("Reservation expired. You haven't been charged."),
    "idempotency_key_reused": _("This purchase was already sent with other items. Start again."),
    "idempotency_conflict": _("This payment was already started with another amount. Start again."),
    "provider_down": _("This payment method isn't responding. You haven't been charged."),
    "bad_webhook": _("Not allowed here"),
    "refund_too_much": _("You can refund up to {most}"),
    "refund_not_possible": _("This payment method takes no refunds. Refund to balance instead."),
    "refund_refused": _("The provider refused this refund. Refund to balance instead."),
    "payment_closed": _("Already handled"),
    "payment_not_credited": _("The payment isn't in the ledger yet. Check its provider first."),
    "refund_currency_differs": _("Its currency isn't the payment's. Settle it by hand, then dismiss it."),
    "second_admin_needed": _("You can't do this for yourself. Another admin must do it"),
    "own_voucher": _("You made this code, so you can't redeem it. It is for other people."),
    "code_not_valid": _("This code isn't valid. Check it and try again."),
    "promo_code_refused": _("This promo code can't be used here. You haven't been charged."),
    "gift_redeemed": _("Already redeemed"),
    "cart_full": _("A cart holds up to {limit} products"),
    "cart_changed": _("Your cart was changed on another device. You haven't been charged."),
    "work_taken": _("Another admin has taken this order"),
    "work_ended": _("Already delivered or refused"),
    "work_refunded": _("This was refunded. Don't deliver it."),
    "still_in_stock": _("In stock. You can buy it now."),
    "too_many_favourites": _("You can have up to {limit} favourites"),
    "too_many_waits": _("You can be in line for up to {limit} products"),
    "subscription_not_offered": _("You can't subscribe to this product"),
    "already_subscribed": _("You have this subscription already."),
    "subscription_ended": _("This subscription has ended"),
    "partner_code_taken": _("This code is taken. Choose another."),
    "tariff_owned": _("You have this plan or a higher one. You haven't been charged."),
    "one_place_only": _("You can take one place per course. You haven't been charged."),
    "course_not_on_sale": _("This course isn't for sale now. You haven't been charged."),
    "downloads_used_up": _("No downloads left. Write to us and we'll help."),
    "picture_changed": _("Somebody changed the picture since. Reload the page."),
    "answers_invalid": _("Answer the questions of this product. You haven't been charged."),
    "questions_edited": _("Another admin has changed these questions. Compare, then save."),
    "variant_edited": _("Another admin has changed this variant. Compare, then save."),
    "variant_archived": _("This variant is in the recycle bin. Bring it back first."),
    "slug_taken": _("This address is taken. Choose another."),
    "tariff_in_use": _("People have this plan. Retire it instead."),
    "no_assignment": _("This lesson has no assignment any more."),
    "course_not_completed": _("Complete the course first."),
    "no_certificate_in_plan": _("Your plan has no certificate."),
    "certificate_corrected": _("The name was corrected before. Write to us if it is still wrong."),
    "certificate_not_valid": _("This certificate isn't valid now."),
    "no_feedback_in_plan": _("Your plan has no feedback by a teacher."),
    "already_answered": _("Somebody answered, or the student wrote again. Read it, then send."),
    "assignment_missing": _("Submit the assignment to complete this lesson."),
    "quiz_missing": _("Pass the quiz to complete this lesson."),
    "no_quiz": _("This lesson has no quiz any more."),
    "no_attempts_left": _("You have no attempts left."),
    "attempt_over": _("This attempt has ended. Your answers up to then count."),
    "access_ended": _("Your access to this course has ended. Your progress is saved."),
    "lesson_locked": _("This lesson isn't open yet"),
    "hour_not_allowed": _("Choose an hour that this course allows"),
    "lesson_edited": _("Another admin changed this. Reload the page to see it."),
    "file_in_use": _("A lesson shows this file. Remove it there first."),
    "not_a_course_folder": _("This folder is not a course"),
    "not_enough_credits": _("You need {needed} credits. You have {balance}."),
    "reading_lapsed": _("These cards were shuffled too long ago. Shuffle again. No credit was used."),
    "reading_live": _("A reading of this spread is being written. Wait until it ends, or stop it."),
    "reading_changed": _("This reading has changed. Reload the page. No credit was used."),
    "no_follow_ups_left": _("You have asked all follow-up questions of this reading."),
    "spread_slug_taken": _("This address is taken. Choose another."),
    "spread_edited": _("Another admin changed this. Reload the page to see it."),
    "package_not_on_sale": _("This package isn't for sale now. You haven't been charged."),
    "prompt_faulty": _("Placeholders don't fit, or a text is empty or too long."),
    "prompt_changed": _("Another admin has changed this prompt. Reload the page."),
    "free_card_taken": _("You've turned over today's card. The next one comes tomorrow."),
    "adjustment_closed": _("Already handled by another admin"),
}
"""Texts by code, for toasts and JSON; ``{name}`` is filled from the error's params."""

_HTTP_CODES: Final[dict[int, str]] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    429: "rate_limited",
    503: "unavailable",
}
_HTTP_KINDS: Final[dict[int, Kind]] = {status: kind for kind, status in STATUS.items()}


class Problem(msgspec.Struct, frozen=True):
    """An error as the client sees it, without its detail."""

    status: int
    code: str
    kind: Kind | None
    params: Mapping[str, object] = {}
    fields: Mapping[str, str] = {}
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Answer(msgspec.Struct, frozen=True):
    """A whole response."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def problem_of(error: BaseException) -> Problem:
    """Convert an exception to what the client sees. An unexpected one becomes a 500 without details."""
    if isinstance(error, AppError):
        return _of_app_error(error)
    if isinstance(error, ValidationException):
        return Problem(400, "invalid_input", Kind.INVALID, fields=_fields_of(error))
    if isinstance(error, HTTPException) and (problem := _of_http(error)):
        return problem
    if isinstance(error, RecursionError):  # a body nested deeper than the decoder follows
        return Problem(400, "invalid_input", Kind.INVALID)
    if database_lost(error):
        return _of_app_error(Unavailable(repr(error)))
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", None)


def _of_http(error: HTTPException) -> Problem | None:
    """Convert an error of the router or of reading the request; None for an unexpected one."""
    if isinstance(error, InternalServerException) and error.detail == _HUNG_UP:
        return Problem(_CLIENT_GONE, "client_gone", Kind.INVALID)
    if error.status_code >= 500:
        return None
    code = _HTTP_CODES.get(error.status_code, "invalid_input")
    allow = {name.lower(): value for name, value in (error.headers or {}).items()}.get("allow")
    extra = ((b"allow", allow.encode()),) if allow else ()
    params = {"size": UPLOAD_MB} if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else {}
    return Problem(error.status_code, code, _HTTP_KINDS.get(error.status_code), params, headers=extra)


def _of_app_error(error: AppError) -> Problem:
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if isinstance(error, RateLimited):
        headers = ((b"retry-after", str(error.retry_after).encode()),)
    elif error.retryable:
        headers = ((b"retry-after", str(_UNAVAILABLE_SECONDS).encode()),)
    elif error.kind is Kind.UNAUTHENTICATED:
        headers = ((b"www-authenticate", b"tma, Bearer"),)
    fields = error.fields if isinstance(error, Invalid) else {}
    return Problem(STATUS[error.kind], error.code, error.kind, error.params, fields, headers)


def _fields_of(error: ValidationException) -> dict[str, str]:
    items = error.extra if isinstance(error.extra, list) else []
    return {str(item["key"]): "invalid" for item in items if isinstance(item, dict) and item.get("key")}


def write_log(error: BaseException, problem: Problem) -> None:
    """Log the error: an expected one as one line at its own level, an unexpected one with its traceback."""
    if problem.status >= 500 and not (isinstance(error, AppError) or database_lost(error)):
        log.error("request.failed", exc_info=error)
        return
    level = LOG_LEVEL[problem.kind] if problem.kind else "info"
    detail = error.detail if isinstance(error, AppError) else type(error).__name__
    log.log(_LEVELS[level], "request.refused", code=problem.code, status=problem.status, detail=detail)


_LEVELS: Final = {"info": 20, "warning": 30, "error": 40}


def message(site: Site, problem: Problem, actor: Actor | None, locale: Locale) -> str:
    """The error as plain text in the reader's language, with formatted amounts."""
    words = site.viewer(actor, locale).words
    text = words.gettext(MESSAGES.get(problem.code, MESSAGES["invalid_input"]))
    amounts = {
        name: format_money(value, words.locale) for name, value in problem.params.items() if isinstance(value, Money)
    }
    return fill(text, {name: str(value) for name, value in problem.params.items()} | amounts)


def answer(
    site: Site, error: BaseException, *, actor: Actor | None, locale: Locale, html: bool, reference: str
) -> Answer:
    """The whole response to an error: a page for the app where ``html``, else JSON; the code is in a header too."""
    problem = problem_of(error)
    write_log(error, problem)
    text = message(site, problem, actor, locale)
    headers = (*problem.headers, (b"x-error-code", problem.code.encode()), (b"cache-control", b"no-store"))
    if html:
        body = _page(site, problem, text, actor, locale, reference)
        return Answer(problem.status, ((b"content-type", b"text/html; charset=utf-8"), *headers), body)
    shape = {"error": {"code": problem.code, "message": text, "params": _plain(problem)}}
    body = msgspec.json.encode(shape)
    return Answer(problem.status, ((b"content-type", b"application/json"), *headers), body)


def _page(site: Site, problem: Problem, text: str, actor: Actor | None, locale: Locale, reference: str) -> bytes:
    template = _CODE_PAGES.get(problem.code) or (_KIND_PAGES.get(problem.kind) if problem.kind else None)
    if problem.status >= 500 and problem.kind is None:
        template = "errors/error.html"
    retry_after = problem.params.get("retry_after")
    page = ErrorPage(
        code=problem.code,
        # A page that has words of its own for this keeps them; the rest say the message.
        message="" if template not in {None, _ANY_PAGE} else text,
        wait_seconds=retry_after if isinstance(retry_after, int) else None,
        support_url=site.support_link,
        bot_url=site.settings.bot_url,
        reference=reference if problem.status >= 500 else "",
    )
    shown = actor is not None and problem.status != STATUS[Kind.UNAUTHENTICATED]
    chrome = site.chrome(actor, "shop", "/shop") if shown and actor is not None else None
    return site.templates.render(template or _ANY_PAGE, site.viewer(actor, locale), page=page, chrome=chrome).encode()


def _plain(problem: Problem) -> dict[str, object]:
    params = {name: msgspec.to_builtins(value, enc_hook=str) for name, value in problem.params.items()}
    return {**params, "fields": dict(problem.fields)} if problem.fields else params
