"""The back office of tests.webapp.back_office."""

from tests.webapp.back_office import fake, make_admin, root, services, top_up  # noqa: F401
