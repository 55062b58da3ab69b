"""Assignments and questions: before, in review, answered; the inbox and a submission in the back office."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from backend.assignments.types import FeedbackId, SubmissionId, Upload, Verdict
from backend.demo.draw_course import MEDIA
from backend.identity.types import Actor
from tests.browser.screens.courses import COURSE
from tests.browser.screens.screen import Screen, send_empty
from tests.browser.stack import Stack
from tests.browser.telegram import Person

if TYPE_CHECKING:
    from tests.browser.screens.world import World

INBOX = "/admin/assignments"
_WALK = f"/learn/{COURSE}/breath-and-pace"


class Past(msgspec.Struct, frozen=True):
    """An answered assignment with the id of its feedback, and a question that waits."""

    answered: SubmissionId
    feedback: FeedbackId
    question: SubmissionId


async def live(stack: Stack, people: Mapping[str, Person], admin: Actor) -> Past:
    """The student who learns has got feedback, has sent another version, and has asked something."""
    rich = await stack.actor(people["rich"].id)
    submitting, review = stack.services.assignments.submitting, stack.services.assignments.review
    picture = Upload("The way round the lake.png", (MEDIA / "path.png").read_bytes())
    page = Upload("Notes of the walk, second week, with the long way home.pdf", b"%PDF-1.7")
    text = "Round the lake. Four steps in, six steps out.\nOn the bridge I lost count and did not mind."
    walk = await submitting.submit(rich, COURSE, "breath-and-pace", text, [picture, page], intent="browser-walk-1")
    said = "\u201cDid not mind\u201d is the whole lesson. Tomorrow, lose count on purpose once."
    seen = walk.versions
    feedback = await review.send(admin, walk.id, said, Verdict.AGAIN, version=seen, seen=0)
    await review.correct(admin, feedback, f"{said} And notice how you come back.", Verdict.ACCEPT)
    asked = await submitting.ask(
        rich, COURSE, "breath-and-pace", "Is music allowed while I walk?", [], intent="browser-question"
    )
    return Past(walk.id, feedback, asked.id)


def screens(world: World) -> list[Screen]:
    """A student's pages, then a teacher's."""
    past = world.assignments
    return [
        Screen("assignment", f"{_WALK}/assignment"),
        Screen("assignment-new", f"/learn/{COURSE}/evening-page/assignment"),
        Screen("assignment-error", f"/learn/{COURSE}/evening-page/assignment", act=send_empty),
        Screen("assignment-none", f"/learn/{COURSE}/a-place-to-sit/assignment"),
        Screen("questions", f"{_WALK}/questions"),
        Screen("questions-new", f"/learn/{COURSE}/evening-page/questions"),
        Screen("manage-assignments", INBOX, "admin"),
        Screen("manage-assignments-overdue", f"{INBOX}?state=overdue", "admin"),
        Screen("manage-assignments-answered", f"{INBOX}?state=answered", "admin"),
        Screen("manage-assignment", f"{INBOX}/{past.answered}", "admin"),
        Screen("manage-assignment-correct", f"{INBOX}/{past.answered}?correct={past.feedback}", "admin"),
        Screen("manage-question", f"{INBOX}/{past.question}", "admin"),
        Screen("manage-question-error", f"{INBOX}/{past.question}", "admin", send_empty),
    ]
