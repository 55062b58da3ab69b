"""The catalogue editor: versions of products, publishing later, archiving, and categories that never nest in a circle."""

import sqlalchemy as sa
from alembic import op

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None

_EDITED = """
    BEGIN
        IF NOT NEW.hidden OR NEW.archived_at IS NOT NULL THEN
            NEW.publish_at := NULL;
        END IF;
        IF TG_OP = 'UPDATE' AND (
            OLD.category_id, OLD.slug, OLD.country, OLD.choice, OLD.name, OLD.summary, OLD.description, OLD.icon,
            OLD.hue, OLD.tags, OLD.premium_only, OLD.hidden, OLD.publish_at, OLD.archived_at
        ) IS DISTINCT FROM (
            NEW.category_id, NEW.slug, NEW.country, NEW.choice, NEW.name, NEW.summary, NEW.description, NEW.icon,
            NEW.hue, NEW.tags, NEW.premium_only, NEW.hidden, NEW.publish_at, NEW.archived_at
        ) THEN
            NEW.version := OLD.version + 1;
        END IF;
        RETURN NEW;
    END
"""
# Checked when the transaction ends, by one writer at a time: what others have committed by then is seen.
_NESTED = """
    DECLARE
        above uuid := NEW.parent_id;
        steps int := 0;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtextextended('catalog:nesting', 0));
        SELECT parent_id INTO above FROM categories WHERE id = NEW.id;
        WHILE above IS NOT NULL LOOP
            steps := steps + 1;
            IF above = NEW.id OR steps > 100 THEN
                RAISE EXCEPTION 'category % is nested in itself', NEW.id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_categories_no_circle';
            END IF;
            SELECT parent_id INTO above FROM categories WHERE id = above;
        END LOOP;
        RETURN NULL;
    END
"""


def upgrade() -> None:
    """Up."""
    op.add_column("products", sa.Column("version", sa.BigInteger(), nullable=False, server_default=sa.text("1")))
    op.add_column("products", sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("products", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_products_publish_later_hidden"), "products", "publish_at IS NULL OR hidden")
    op.create_index(
        "ix_products_publish_at", "products", ["publish_at"], postgresql_where=sa.text("publish_at IS NOT NULL")
    )
    op.execute(f"CREATE FUNCTION products_edited() RETURNS trigger LANGUAGE plpgsql AS $$ {_EDITED} $$")
    op.execute(
        """
        CREATE TRIGGER products_edited BEFORE INSERT OR UPDATE OF category_id, slug, country, choice, name, summary,
            description, icon, hue, tags, premium_only, hidden, publish_at, archived_at
        ON products FOR EACH ROW EXECUTE FUNCTION products_edited()
        """
    )
    op.execute(f"CREATE FUNCTION categories_nested() RETURNS trigger LANGUAGE plpgsql AS $$ {_NESTED} $$")
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER categories_nested AFTER INSERT OR UPDATE OF parent_id ON categories
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)
        EXECUTE FUNCTION categories_nested()
        """
    )


def downgrade() -> None:
    """Down."""
    op.execute("DROP TRIGGER categories_nested ON categories")
    op.execute("DROP FUNCTION categories_nested()")
    op.execute("DROP TRIGGER products_edited ON products")
    op.execute("DROP FUNCTION products_edited()")
    op.drop_index("ix_products_publish_at", table_name="products")
    op.drop_constraint(op.f("ck_products_publish_later_hidden"), "products", type_="check")
    op.drop_column("products", "archived_at")
    op.drop_column("products", "publish_at")
    op.drop_column("products", "version")
