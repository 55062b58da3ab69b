"""People of the shop for tests of more than one browser: admins with one permission, students and their teachers."""

from __future__ import annotations

from backend.identity.types import Actor, Permission
from tests.browser.stack import Stack
from tests.browser.telegram import Person, Telegram


async def admin(stack: Stack, telegram: Telegram, permission: Permission, language: str = "en") -> Person:
    """An admin who may do this and nothing else."""
    person = await telegram.person(language)
    await telegram.visit(person)
    actor = await stack.actor(person.id)
    await stack.services.identity.admins.set_permissions(Actor.system(), actor.id, frozenset({permission}))
    return person


async def student_and_teacher(stack: Stack, telegram: Telegram, language: str) -> tuple[Person, Person]:
    """Somebody who is known to the shop, and an admin who teaches."""
    student = await telegram.person(language)
    await telegram.visit(student)
    return student, await admin(stack, telegram, Permission.TEACHING, language)
