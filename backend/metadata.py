"""Imports every table, so that Alembic sees them all."""

from __future__ import annotations

import backend.approvals.models
import backend.assignments.models
import backend.audience.models
import backend.catalog.models
import backend.catalog.models.files
import backend.catalog.models.questions
import backend.catalog.models.searching
import backend.catalog.models.stock_changes
import backend.catalog.models.uploads
import backend.catalog.models.waiting
import backend.certificates.models
import backend.community.models
import backend.courses.models
import backend.courses.models.lessons
import backend.growth.models
import backend.identity.models
import backend.infra.audit
import backend.infra.crons
import backend.infra.crypto
import backend.infra.live_settings
import backend.infra.outbox
import backend.notifications.models
import backend.orders.models
import backend.payments.models
import backend.quizzes.models
import backend.readings.models
import backend.support.models
import backend.wallet.models  # noqa: F401 - imported for their tables; a tool that tidies up must leave them
from backend.infra.database import Model

metadata = Model.metadata

__all__ = ["metadata"]
