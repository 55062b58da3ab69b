"""What must be true of carts, orders and stock at any moment: each law is a query for what breaks it."""

from __future__ import annotations

from typing import Final

_ENDED: Final = "('cancelled', 'expired')"
# A line's goods are where its status says they are.
_STATES: Final = """
    SELECT l.id FROM order_lines l LEFT JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state = 'reserved') AS reserved, count(*) FILTER (WHERE state = 'sold') AS sold
        FROM stock_keys k WHERE k.order_line_id = l.id
    ) k ON true WHERE l.kind = 'unique_keys' AND (l.status, k.reserved, k.sold) NOT IN
        (('reserved', l.quantity, 0), ('delivered', 0, l.quantity), ('released', 0, 0))
"""
_SHARED: Final = """
    SELECT l.id FROM order_lines l LEFT JOIN shared_key_lines s ON s.order_line_id = l.id
    WHERE l.kind = 'shared_key' AND NOT CASE WHEN s.order_line_id IS NULL THEN l.status = 'released'
        ELSE s.quantity = l.quantity AND (l.status, s.state) IN (('reserved', 'reserved'), ('delivered', 'sold')) END
"""
_BY_HAND: Final = """
    SELECT l.id FROM order_lines l LEFT JOIN hand_work w ON w.order_line_id = l.id
    WHERE l.kind = 'by_hand' AND NOT CASE WHEN w.order_line_id IS NULL THEN l.status = 'released'
        WHEN w.state = 'open' THEN l.status = 'pending' AND w.quantity = l.quantity - l.refunded_quantity
        ELSE (l.status, w.state) IN (('reserved', 'reserved'), ('pending', 'delivered'), ('pending', 'refused'),
            ('delivered', 'delivered'), ('failed', 'refused'), ('failed', 'cancelled'), ('failed', 'delivered')) END
"""
_PREMIUM: Final = """
    SELECT l.id FROM order_lines l LEFT JOIN premium_grants g ON g.order_line_id = l.id
    WHERE l.kind = 'premium' AND NOT CASE WHEN g.id IS NULL THEN l.status = 'released'
        WHEN g.started_at IS NULL THEN l.status = 'reserved'
        ELSE l.status = 'delivered' AND g.taken = g.months / l.quantity * l.refunded_quantity END
    UNION ALL
    SELECT p.user_id FROM premium_periods p WHERE until IS NOT NULL AND months <>
        (SELECT coalesce(sum(g.months - g.taken), 0) FROM premium_grants g
         WHERE g.user_id = p.user_id AND g.started_at = p.started_at)
"""
_PLACES: Final = """
    SELECT v.id FROM variants v JOIN hand_work w ON w.variant_id = v.id AND w.state IN ('reserved', 'open')
    WHERE v.open_places IS NOT NULL GROUP BY v.id HAVING sum(w.quantity) > min(v.open_places)
"""
_SOLD_TOO_OFTEN: Final = "SELECT variant_id FROM shared_keys WHERE remaining < 0"
# An order is what its lines are.
_STATUS: Final = """
    SELECT o.id FROM orders o JOIN LATERAL (
        SELECT array_agg(DISTINCT l.status ORDER BY l.status) AS of_lines, bool_and(l.quantity = l.refunded_quantity)
               AS gone, sum(l.refunded_amount) AS refunded, sum(l.total_amount) AS total
        FROM order_lines l WHERE l.order_id = o.id
    ) s ON true WHERE NOT CASE o.status
        WHEN 'awaiting_payment' THEN of_lines = ARRAY['reserved'] AND paid_at IS NULL
        WHEN 'cancelled' THEN of_lines = ARRAY['released'] AND paid_at IS NULL
        WHEN 'expired' THEN of_lines = ARRAY['released'] AND paid_at IS NULL
        WHEN 'paid' THEN 'pending' = ANY(of_lines) AND NOT of_lines && ARRAY['reserved', 'released']
        WHEN 'delivered' THEN 'delivered' = ANY(of_lines) AND NOT of_lines && ARRAY['reserved', 'released', 'pending']
        WHEN 'refunded' THEN gone AND s.refunded = s.total END
    OR o.total_amount <> s.total OR o.refunded_amount <> s.refunded
"""
_REFUNDS: Final = """
    SELECT id FROM order_lines WHERE refunded_amount > total_amount OR refunded_quantity > quantity
    UNION ALL
    SELECT o.id FROM orders o WHERE refunded_amount <>
        (SELECT coalesce(sum(amount), 0) FROM order_refunds r WHERE r.order_id = o.id)
    UNION ALL
    SELECT l.id FROM order_lines l WHERE refunded_amount <>
        (SELECT coalesce(sum(amount), 0) FROM order_refund_lines r WHERE r.line_id = l.id)
"""
_TWICE: Final = """
    SELECT order_id FROM order_events WHERE step IN ('paid', 'delivered', 'refunded', 'cancelled', 'line_delivered')
    GROUP BY order_id, step, line_id HAVING count(*) > 1
"""
_HOLDS: Final = """
    SELECT h.purpose FROM wallet_holds h JOIN orders o ON h.purpose = 'order:' || o.id
    WHERE (h.status = 'held') <> (o.status = 'awaiting_payment')
"""
# A use is of an order that holds or has paid its goods, and is counted with the code.
_USES: Final = f"""
    SELECT u.order_id FROM promo_uses u LEFT JOIN orders o ON o.id = u.order_id
    WHERE (u.released_at IS NULL) = coalesce(o.status IN {_ENDED}, true)
    UNION ALL
    SELECT c.id FROM promo_codes c WHERE uses IS NOT NULL AND used <>
        (SELECT count(*) FROM promo_uses u WHERE u.code_id = c.id AND u.released_at IS NULL)
    UNION ALL
    SELECT o.id FROM orders o WHERE EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id AND l.promo_part < 0)
        <> EXISTS (SELECT FROM promo_uses u WHERE u.order_id = o.id)
"""
_FIRST_ONLY: Final = """
    SELECT u.user_id FROM promo_uses u JOIN promos p ON p.id = u.promo_id
    WHERE p.first_only AND u.released_at IS NULL GROUP BY u.user_id, p.id HAVING count(*) > 1
"""
LAWS: Final = {
    "keys are where their lines say": _STATES,
    "shared keys are where their lines say": _SHARED,
    "goods by hand are where their lines say": _BY_HAND,
    "premium lasts as long as what was bought and not refunded": _PREMIUM,
    "no more in preparation than there are places": _PLACES,
    "no shared key is sold too often": _SOLD_TOO_OFTEN,
    "an order is what its lines are": _STATUS,
    "no more is refunded than was paid": _REFUNDS,
    "nothing happens twice": _TWICE,
    "money is on hold for unpaid orders only": _HOLDS,
    "uses are those of orders that hold or paid": _USES,
    "a first purchase is one": _FIRST_ONLY,
}
BROKEN: Final = " UNION ALL ".join(
    f"SELECT '{law}' AS law, broken::text AS what FROM ({query}) AS found (broken)" for law, query in LAWS.items()
)
"""One statement: each law that is broken, and by what."""
