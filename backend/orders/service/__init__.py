"""Use cases of orders, a module for each of their concerns."""

from backend.orders.service.buying import Buying
from backend.orders.service.following import Following
from backend.orders.service.paying import SETTLE, Paying
from backend.orders.service.refunding import Refunding
from backend.orders.service.searching import Searching


class OrdersService(Buying, Paying, Refunding, Following, Searching):
    """Buying, paying, following, receiving, refunding and finding orders."""


__all__ = ["SETTLE", "OrdersService"]
