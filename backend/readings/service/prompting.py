"""The texts by which the model is asked, as admins edit them; and the model's state, a probe of it, and its figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from backend.identity.types import Actor, Permission
from backend.infra import audit
from backend.infra.unit_of_work import UnitOfWork
from backend.kernel.errors import NotFound
from backend.kernel.text import Locale
from backend.readings.errors import PromptChanged, PromptFaulty
from backend.readings.ports import InterpretationFailed
from backend.readings.repository import calls, prompts
from backend.readings.rules.languages import fits
from backend.readings.rules.prompt_texts import BODIES
from backend.readings.rules.prompts import faults, probe_messages
from backend.readings.rules.retries import FAILED_IN_A_ROW, paused_until
from backend.readings.service.calling import Calling
from backend.readings.types.models import ModelState, Outcomes, Probe, Prompt, PromptBody

_VERSIONS: Final = 20
_PROBE_TEXT: Final = 300


class PromptsService:
    """Reads and changes prompts; each change is a version. Needs permission ``readings``."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def list_current(self, actor: Actor) -> list[Prompt]:
        """The prompt of each language, with the texts that are used."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            changed = {prompt.language: prompt for prompt in await prompts.list_latest(tx)}
        return [_with_texts(changed.get(language) or _original(language)) for language in BODIES]

    async def get(self, actor: Actor, language: str) -> Prompt:
        """The prompt of a language, with the texts that are used. Raises NotFound."""
        actor.require(Permission.READINGS)
        if language not in BODIES:
            raise NotFound("prompt")
        async with self._uow.read() as tx:
            return _with_texts(await prompts.find_latest(tx, language) or _original(language))

    async def original(self, actor: Actor, language: str) -> Prompt:
        """The prompt that came with Souk. Raises NotFound."""
        actor.require(Permission.READINGS)
        if language not in BODIES:
            raise NotFound("prompt")
        return _with_texts(_original(language))

    async def history(self, actor: Actor, language: str) -> list[Prompt]:
        """The last 20 versions of a language's prompt, newest first."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return [_with_texts(prompt) for prompt in await prompts.list_versions(tx, language, _VERSIONS)]

    async def change(self, actor: Actor, language: str, version: int, body: PromptBody | None) -> Prompt:
        """Replace version ``version``; without a body the texts that came with Souk count again.

        Raises PromptFaulty for texts whose placeholders do not fit, PromptChanged when another admin was faster,
        NotFound for a language that has no prompt.
        """
        actor.require(Permission.READINGS)
        if language not in BODIES:
            raise NotFound("prompt")
        if body is not None:
            body = PromptBody(**{name: text.strip() for name, text in msgspec.structs.asdict(body).items()})
            if wrong := faults(body):
                raise PromptFaulty(**wrong)
        async with self._uow() as tx:
            if not await prompts.add(tx, language, version, body, actor.id):
                raise PromptChanged("a newer version is there")
            facts = {"version": version + 1, "original": body is None}
            await audit.record(tx, actor.id, "readings.change_prompt", f"prompt:{language}", facts)
        return await self.get(actor, language)


class ModelService:
    """Tells how the model does. Needs permission ``readings``, but for the command line's probe."""

    def __init__(self, *, uow: UnitOfWork, calling: Calling | None) -> None:
        self._uow = uow
        self._calling = calling

    async def state(self, actor: Actor) -> ModelState:
        """Whether it writes at the moment, and its last call."""
        actor.require(Permission.READINGS)
        calling = self._calling
        if calling is None:
            return ModelState(model="", server="", paused_until=None, last_call=None)
        async with self._uow.read() as tx:
            latest = await calls.list_latest(tx, calling.name, FAILED_IN_A_ROW)
            until = paused_until(latest)
            paused = until if until is not None and tx.now < until else None
        last = latest[0] if latest else None
        return ModelState(model=calling.name, server=calling.server, paused_until=paused, last_call=last)

    async def outcomes(self, actor: Actor, days: int = 30) -> list[Outcomes]:
        """The calls of the last days by how they ended, with their tokens and cost."""
        actor.require(Permission.READINGS)
        async with self._uow.read() as tx:
            return await calls.outcomes(tx, tx.now - timedelta(days=days))

    async def probe(self, actor: Actor | None, language: str = Locale.EN) -> Probe | None:
        """Send a tiny request; None where no model is set up. ``actor`` is None for the command line."""
        if actor is not None:
            actor.require(Permission.READINGS)
        calling = self._calling
        if calling is None:
            return None
        said, failed = calling.model.say(probe_messages(language)), None
        pieces: list[str] = []
        try:
            async for piece in said:
                pieces += [piece]
        except InterpretationFailed as error:
            failed = error
        finally:
            await said.aclose()
        await calling.record(said.figures, failed, None)
        text, figures = "".join(pieces).strip(), said.figures
        return Probe(
            failure=failed.failure if failed else None,
            detail=failed.detail if failed else "",
            text=text[:_PROBE_TEXT],
            asked_model=calling.name,
            model=figures.model,
            language_fits=bool(text) and fits(text, language),
            finish=figures.finish,
            seconds=figures.seconds,
            first_word=figures.first_word,
            prompt_tokens=figures.prompt_tokens,
            completion_tokens=figures.completion_tokens,
        )


def _original(language: str) -> Prompt:
    return Prompt(language=language, version=0, body=None)


def _with_texts(prompt: Prompt) -> Prompt:
    return prompt if prompt.body is not None else msgspec.structs.replace(prompt, body=BODIES[prompt.language])
