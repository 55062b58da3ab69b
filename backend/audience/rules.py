"""For whom an action on many people is not, and what an undo may take back."""

from __future__ import annotations

from datetime import datetime

from backend.audience.types import PeopleAction, PeopleTerms
from backend.identity.types import Actor, Permission, PersonState


def refusal(terms: PeopleTerms, person: PersonState, actor: Actor) -> str | None:
    """Why the action is not for this person, as a code; None where it can be done to them.

    The admin's own row is left alone, also where their own page lets them change it.
    """
    blocks = terms.action in {PeopleAction.BLOCK, PeopleAction.UNBLOCK}
    if person.id == actor.user_id:
        return "not_yourself"
    if blocks and person.is_root:
        return "root_protected"
    if blocks and person.permissions and not (actor.may(Permission.ADMINS) and person.permissions <= actor.permissions):
        return "other_admin"
    is_so = {
        PeopleAction.BLOCK: person.blocked,
        PeopleAction.UNBLOCK: not person.blocked,
        PeopleAction.RESELLER_ON: person.is_reseller,
        PeopleAction.RESELLER_OFF: not person.is_reseller,
    }
    return "already" if is_so[terms.action] else None


def untouched(terms: PeopleTerms, person: PersonState, before_until: datetime | None, now: datetime) -> str | None:
    """Why an undo leaves this person alone; None where they still are as the action left them."""
    left_as = {
        PeopleAction.BLOCK: (person.blocked, person.block_reason, person.blocked_until)
        == (True, terms.reason, terms.until),
        PeopleAction.UNBLOCK: not person.blocked,
        PeopleAction.RESELLER_ON: person.is_reseller,
        PeopleAction.RESELLER_OFF: not person.is_reseller,
    }
    if not left_as[terms.action]:
        return "changed"
    over = terms.action is PeopleAction.UNBLOCK and before_until is not None and before_until <= now
    return "block_over" if over else None


def reverse(terms: PeopleTerms, reason: str, until: datetime | None) -> PeopleTerms:
    """What takes an action back; ``reason`` and ``until`` are those of the block that it ended."""
    match terms.action:
        case PeopleAction.BLOCK:
            return PeopleTerms(action=PeopleAction.UNBLOCK)
        case PeopleAction.UNBLOCK:
            return PeopleTerms(action=PeopleAction.BLOCK, reason=reason, until=until)
        case PeopleAction.RESELLER_ON:
            return PeopleTerms(action=PeopleAction.RESELLER_OFF)
        case PeopleAction.RESELLER_OFF:
            return PeopleTerms(action=PeopleAction.RESELLER_ON)
