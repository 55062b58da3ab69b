"""What must be true of grants, places and money at any moment: each law is a query for what breaks it."""

from __future__ import annotations

from typing import Final

# A paid line has one grant, which lives until the place is refunded or an admin ends it; it knows what stays paid.
_LINES: Final = """
    SELECT l.id FROM order_lines l LEFT JOIN course_grants g ON g.order_line_id = l.id
    LEFT JOIN course_reservations r ON r.order_line_id = l.id
    WHERE l.kind = 'course' AND NOT CASE l.status
        WHEN 'delivered' THEN r IS NULL AND g.id IS NOT NULL AND g.paid_amount = l.total_amount - l.refunded_amount
            AND CASE g.end_reason WHEN 'refunded' THEN l.refunded_quantity = 1
                                  WHEN 'revoked' THEN true ELSE l.refunded_quantity = 0 END
        WHEN 'reserved' THEN r IS NOT NULL AND g.id IS NULL
        ELSE r IS NULL AND g.id IS NULL END
"""
# Without gifts, refunds and revocations, what was paid over all steps is the price of the highest one, once.
_PAID_ONCE: Final = """
    SELECT g.enrolment_id FROM course_grants g JOIN course_tariffs t ON t.id = g.tariff_id
    JOIN variants v ON v.id = t.variant_id LEFT JOIN order_lines l ON l.id = g.order_line_id
    GROUP BY g.enrolment_id
    HAVING bool_and(g.ended_at IS NULL AND g.source <> 'gift' AND coalesce(l.refunded_amount, 0) = 0)
       AND sum(g.paid_amount) <> max(v.price_amount)
"""
# No step is worth more than the price of the highest, with gifts, refunds and revocations too.
_NEVER_MORE: Final = """
    SELECT g.enrolment_id FROM course_grants g JOIN course_tariffs t ON t.id = g.tariff_id
    JOIN variants v ON v.id = t.variant_id WHERE g.ended_at IS NULL
    GROUP BY g.enrolment_id HAVING sum(g.paid_amount) > max(v.price_amount)
"""
_PLACES: Final = """
    SELECT t.id FROM course_tariffs t JOIN variant_places p ON p.variant_id = t.variant_id
    WHERE p.remaining IS DISTINCT FROM t.places
        - (SELECT count(*) FROM course_grants g WHERE g.tariff_id = t.id AND g.ended_at IS NULL)
        - (SELECT count(*) FROM course_reservations r WHERE r.tariff_id = t.id)
        - (SELECT coalesce(sum(w.quantity), 0) FROM stock_waits w WHERE w.variant_id = t.variant_id)
"""
# A person is once in a run, in a run of the same course as the tariff; a tariff is owned once at a time.
_ONCE: Final = """
    SELECT e.id FROM enrolments e JOIN course_runs r ON r.id = e.run_id WHERE r.course_id <> e.course_id
    UNION ALL SELECT min(e.id::text)::uuid FROM enrolments e GROUP BY e.user_id, e.run_id HAVING count(*) > 1
    UNION ALL SELECT g.id FROM course_grants g JOIN enrolments e ON e.id = g.enrolment_id
        JOIN course_tariffs t ON t.id = g.tariff_id WHERE t.course_id <> e.course_id
    UNION ALL SELECT min(g.id::text)::uuid FROM course_grants g WHERE g.ended_at IS NULL
        GROUP BY g.enrolment_id, g.tariff_id HAVING count(*) > 1
"""
BROKEN: Final = " UNION ALL ".join(
    f"SELECT '{name}' AS law, id FROM ({law}) broken (id)"
    for name, law in {
        "lines": _LINES, "paid once": _PAID_ONCE, "never more": _NEVER_MORE, "places": _PLACES, "once": _ONCE
    }.items()
)  # fmt: skip
