"""Use cases of the back office: the audit trail, failed jobs, and the settings of the running shop."""

from backend.admin.service.audit import AuditService
from backend.admin.service.failures import AdminService
from backend.admin.service.settings import SettingsService

__all__ = ["AdminService", "AuditService", "SettingsService"]
