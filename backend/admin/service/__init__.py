"""Use cases of the back office: failed jobs, and the settings of the running shop."""

from backend.admin.service.failures import AdminService
from backend.admin.service.settings import SettingsService

__all__ = ["AdminService", "SettingsService"]
