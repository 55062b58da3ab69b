"""The back office with its admins."""

from tests.webapp.back_office import make_admin, root  # noqa: F401
