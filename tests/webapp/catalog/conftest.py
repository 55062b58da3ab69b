"""The shop front of tests.webapp.shop_front."""

from tests.webapp.shop_front import coins, services, stars  # noqa: F401
