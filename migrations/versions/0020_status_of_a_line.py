"""The status and the refunds of each order line, and the hash of the request that placed an order."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_COUNTS = ("refunded_amount", "refunded_quantity")
_CHECKS = {
    "never_more_back_than_paid": "refunded_amount BETWEEN 0 AND total_amount",
    "never_more_back_than_bought": "refunded_quantity BETWEEN 0 AND quantity",
}
_EVENT = {"line_id": sa.Uuid(), "quantity": sa.BigInteger(), "amount": sa.BigInteger()}
# Each line has its share of what was refunded, and the shares come to the whole: the rounded share of all lines up to
# this one, less that of those before it. Only an order that was refunded whole has no goods left.
_FILL = """
UPDATE order_lines SET
  status = CASE orders.status
    WHEN 'awaiting_payment' THEN 'reserved' WHEN 'delivered' THEN 'delivered' WHEN 'refunded' THEN 'delivered'
    ELSE 'released' END,
  refunded_amount = CASE WHEN shares.whole > 0
    THEN floor(orders.refunded_amount * shares.upto / shares.whole)
         - floor(orders.refunded_amount * (shares.upto - order_lines.total_amount) / shares.whole) ELSE 0 END,
  refunded_quantity = CASE WHEN orders.status = 'refunded' THEN order_lines.quantity ELSE 0 END
FROM orders, (
  SELECT id, sum(total_amount) OVER (PARTITION BY order_id) AS whole,
         sum(total_amount) OVER (PARTITION BY order_id ORDER BY position, id) AS upto FROM order_lines
) shares
WHERE orders.id = order_lines.order_id AND shares.id = order_lines.id"""


def upgrade() -> None:
    """Up: the lines have the status of their order."""
    op.add_column("orders", sa.Column("request_hash", sa.LargeBinary(), nullable=True))
    op.add_column("order_lines", sa.Column("status", sa.Text(), nullable=True))
    for name in _COUNTS:
        op.add_column("order_lines", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("order_lines", sa.Column("failure", sa.Text(), nullable=True))
    op.execute(_FILL)
    op.alter_column("order_lines", "status", nullable=False)
    for name, check in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", check)
    for name, kind in _EVENT.items():
        op.add_column("order_events", sa.Column(name, kind, nullable=True))
    op.create_table(
        "order_refund_lines",
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0 AND quantity >= 0", name=op.f("ck_order_refund_lines_not_negative")),
        sa.CheckConstraint("amount > 0 OR quantity > 0", name=op.f("ck_order_refund_lines_not_nothing")),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["order_refunds.id"], name=op.f("fk_order_refund_lines_refund_id_order_refunds")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["order_lines.id"], name=op.f("fk_order_refund_lines_line_id_order_lines")
        ),
        sa.PrimaryKeyConstraint("refund_id", "line_id", name=op.f("pk_order_refund_lines")),
    )


def downgrade() -> None:
    """Down: an order with goods that are still to be delivered counts as delivered, as all paid orders did."""
    op.execute("UPDATE orders SET status = 'delivered' WHERE status = 'paid'")
    op.drop_table("order_refund_lines")
    for name in _EVENT:
        op.drop_column("order_events", name)
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_order_lines_{name}"), "order_lines", type_="check")
    for name in ("status", *_COUNTS, "failure"):
        op.drop_column("order_lines", name)
    op.drop_column("orders", "request_hash")
