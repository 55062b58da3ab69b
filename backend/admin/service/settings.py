"""Change the settings of the running shop, and show who changed what. See decisions/0058."""

from __future__ import annotations

from collections.abc import Sequence

from backend.admin.types import SettingChange, SettingInForce
from backend.identity.types import Actor, Permission
from backend.infra import audit, live_settings
from backend.infra.live_settings import REGISTRY, LiveSetting, LiveSettings
from backend.infra.settings import SettingsError
from backend.infra.unit_of_work import UnitOfWork, retry_conflicts
from backend.kernel.errors import Forbidden, Invalid, NotFound

_CHANGE = "settings.change"
_SUBJECT = "setting:"
_HISTORY = 100


class SettingsService:
    """The settings that are changed while the shop runs. Every use case needs the permission for settings."""

    def __init__(self, *, uow: UnitOfWork, live: LiveSettings) -> None:
        self._uow = uow
        self._live = live

    async def in_force(self, actor: Actor) -> Sequence[SettingInForce]:
        """Every setting with its value and that of the environment, as the database has them now. Raises Forbidden."""
        actor.require(Permission.SETTINGS)
        async with self._uow.read() as tx:
            changed = await live_settings.list_changed(tx)
        environment = self._live.environment
        current = live_settings.with_changes(environment, changed)
        return [
            SettingInForce(
                setting=setting,
                value=live_settings.text_of(current, name),
                environment=live_settings.text_of(environment, name),
                changed=name in changed,
            )
            for name, setting in REGISTRY.items()
        ]

    @retry_conflicts
    async def change(self, actor: Actor, name: str, value: str) -> None:
        """Put a value in the place of the environment's, for every process.

        Raises NotFound for a name that cannot be changed, Invalid with ``limits`` (or ``reason``, where it conflicts
        with another setting), Forbidden, also for a setting that is the root admin's alone.
        """
        await self._change(actor, name, value)

    @retry_conflicts
    async def reset(self, actor: Actor, name: str) -> None:
        """Let the environment's value count again. Raises as ``change`` does."""
        await self._change(actor, name, None)

    async def history(self, actor: Actor, name: str | None = None) -> Sequence[SettingChange]:
        """The last 100 changes, of one setting or of all, the latest first. Raises Forbidden, NotFound."""
        actor.require(Permission.SETTINGS)
        subject = None if name is None else f"{_SUBJECT}{_setting(name).name}"
        async with self._uow.read() as tx:
            entries = await audit.list_entries(tx, _CHANGE, subject=subject, limit=_HISTORY)
        return [
            SettingChange(
                at=entry.at,
                actor_id=entry.actor_id,
                name=entry.subject.removeprefix(_SUBJECT),
                old=str(entry.params["old"]),
                new=str(entry.params["new"]),
                reset=bool(entry.params.get("reset")),
            )
            for entry in entries
        ]

    async def _change(self, actor: Actor, name: str, value: str | None) -> None:
        actor.require(Permission.SETTINGS)
        setting = _setting(name)
        if setting.root_only and not actor.is_root and actor.user_id is not None:
            raise Forbidden(f"{name} is the root admin's to change")
        async with self._uow() as tx:
            await live_settings.lock_changes(tx)
            changed = await live_settings.list_changed(tx)
            before = live_settings.with_changes(self._live.environment, changed)
            try:
                if value is None:
                    after = live_settings.without_change(before, self._live.environment, name)
                else:
                    after = live_settings.with_change(before, name, value)
            except SettingsError as error:
                fields = {"value": "out_of_range"}
                raise Invalid(str(error), fields=fields, limits=setting.limits, reason=str(error)) from None
            old, new = live_settings.text_of(before, name), live_settings.text_of(after, name)
            if changed.get(name) == (None if value is None else new):
                return
            await live_settings.store_change(tx, name, None if value is None else new)
            details = {"old": old, "new": new} | ({"reset": True} if value is None else {})
            await audit.record(tx, actor.user_id, _CHANGE, f"{_SUBJECT}{name}", details)
        await self._live.refresh()


def _setting(name: str) -> LiveSetting:
    if name not in REGISTRY:
        raise NotFound(f"{name} cannot be changed while the shop runs")
    return REGISTRY[name]
