"""Courses in the chat: one's own, and what a link to one answers with."""

from __future__ import annotations

import re
from typing import Final

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from backend.courses.types.learning import CourseView, MyCourse
from backend.courses.types.reminders import REMINDERS_OFF
from backend.identity.types import Actor
from backend.kernel.text import pick
from bot.context import Deps, Words
from bot.keyboards import page_button, rows
from bot.replies import answer

_LINK: Final = re.compile(r"c_([a-z0-9][a-z0-9-]{0,39}?)(?:-p_[A-Za-z0-9_-]*)?")


async def linked_course(deps: Deps, actor: Actor, payload: str) -> str:
    """The slug of the course that a start parameter means; empty where it means none that the actor may see."""
    link = _LINK.fullmatch(payload)
    return link[1] if link and await deps.learning.is_shown(actor, link[1]) else ""


async def introduction(deps: Deps, actor: Actor, words: Words, slug: str) -> str:
    """What a course is and costs; for its student how far they are. Raises NotFound."""
    view = await deps.learning.view(actor, slug)
    summary = pick(view.product.summary, words.locale)
    lines = [f"<b>{words.safe(pick(view.product.name, words.locale))}</b>"]
    lines += [words.safe(summary)] if summary else []
    return "\n".join([*lines, "", *_facts(view, words)])


async def learn(message: Message, deps: Deps, actor: Actor, words: Words) -> None:
    """The person's courses and how far they are, with a button for the place to learn."""
    _ = words.gettext
    mine = [course for course in await deps.learning.mine(actor) if course.plan is not None]
    if mine:
        lines = [f"<b>{_('My courses')}</b>", *(_line(course, words) for course in mine)]
    elif await deps.learning.has_courses():
        lines = [_("You haven't joined a course yet. Choose one, and its lessons come to this chat.")]
    else:
        lines = [_("No courses yet")]
    button = page_button(deps, _("Open courses"), "/learn")
    await message.answer("\n".join(lines), reply_markup=rows(button))


async def turn_off_reminders(query: CallbackQuery, bot: Bot, deps: Deps, actor: Actor, words: Words) -> None:
    """Send the person no reminders any more."""
    await deps.reminders.switch(actor, on=False)
    await answer(bot, query, words.gettext("Reminders are off. You can turn them on again in your course."))


def _line(course: MyCourse, words: Words) -> str:
    done, all_ = words.number(course.progress.done), words.number(course.progress.required)
    title = words.safe(pick(course.product.name, words.locale))
    return f"{title}: " + words.gettext("%(done)s of %(all)s lessons done") % {"done": done, "all": all_}


def router() -> Router:
    """Its router."""
    routes = Router(name="courses")
    routes.message.register(learn, Command("learn"))
    routes.callback_query.register(turn_off_reminders, F.data == REMINDERS_OFF)
    return routes


def _facts(view: CourseView, words: Words) -> list[str]:
    _ = words.gettext
    if view.mine is not None:
        progress = view.mine.progress
        done, all_ = words.number(progress.done), words.number(progress.required)
        return [_("%(done)s of %(all)s lessons done") % {"done": done, "all": all_}]
    count = len(view.lessons)
    facts = [words.ngettext("%(count)s lesson", "%(count)s lessons", count) % {"count": words.number(count)}]
    if view.tariffs:
        price = words.money(min(offer.price for offer in view.tariffs))
        facts.append(_("From {price}").format(price=price))
    return facts
