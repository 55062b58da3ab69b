"""Certificates, everything that was printed of them, and their files."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Up."""
    op.create_table(
        "certificates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("course_id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("per_run", sa.Boolean(), nullable=False),
        sa.Column("plan_rank", sa.BigInteger(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("completed_on", sa.Date(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("data_key_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", _AT, nullable=False),
        sa.Column("corrected_at", _AT, nullable=True),
        sa.Column("revoked_at", _AT, nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.Column("revoke_reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("code", name=op.f("uq_certificates_code")),
        sa.UniqueConstraint("enrolment_id", name=op.f("uq_certificates_enrolment_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_certificates_user_id_users")),
        sa.ForeignKeyConstraint(["course_id"], ["courses.id"], name=op.f("fk_certificates_course_id_courses")),
        sa.ForeignKeyConstraint(
            ["enrolment_id"], ["enrolments.id"], name=op.f("fk_certificates_enrolment_id_enrolments")
        ),
        sa.ForeignKeyConstraint(["revoked_by"], ["users.id"], name=op.f("fk_certificates_revoked_by_users")),
        sa.CheckConstraint("code ~ '^[0-9A-HJKMNP-TV-Z]{16}$'", name=op.f("ck_certificates_code_of_its_signs")),
        sa.CheckConstraint("locale IN ('en', 'ar', 'ru')", name=op.f("ck_certificates_locale_known")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_certificates_revision_positive")),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoke_reason = '')", name=op.f("ck_certificates_revoked_for_a_reason")
        ),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (revoked_by IS NULL)", name=op.f("ck_certificates_revoked_by_somebody")
        ),
    )
    op.create_index(
        "uq_certificates_course", "certificates", ["user_id", "course_id"], unique=True,
        postgresql_where=sa.text("NOT per_run"),
    )  # fmt: skip
    op.create_index("ix_certificates_course_id", "certificates", ["course_id", "id"])
    op.create_table(
        "certificate_prints",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("course", sa.Text(), nullable=False),
        sa.Column("hours", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("printed_at", _AT, nullable=False),
        sa.Column("printed_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", "revision", name=op.f("pk_certificate_prints")),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_certificate_prints_certificate_id_certificates")
        ),
        sa.ForeignKeyConstraint(["printed_by"], ["users.id"], name=op.f("fk_certificate_prints_printed_by_users")),
        sa.CheckConstraint(
            "reason IN ('issued', 'corrected', 'reissued')", name=op.f("ck_certificate_prints_reason_known")
        ),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 200", name=op.f("ck_certificate_prints_name_fits")),
        sa.CheckConstraint("(revision = 1) = (reason = 'issued')", name=op.f("ck_certificate_prints_issued_first")),
    )
    op.create_index(
        "uq_certificate_prints_corrected", "certificate_prints", ["certificate_id"], unique=True,
        postgresql_where=sa.text("reason = 'corrected'"),
    )  # fmt: skip
    op.create_table(
        "certificate_files",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stored", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("certificate_id", "revision", "kind", name=op.f("pk_certificate_files")),
        sa.ForeignKeyConstraint(
            ["certificate_id", "revision"],
            ["certificate_prints.certificate_id", "certificate_prints.revision"],
            name=op.f("fk_certificate_files_certificate_id_revision_certificate_prints"),
        ),
        sa.CheckConstraint("kind IN ('pdf', 'png')", name=op.f("ck_certificate_files_kind_known")),
    )


def downgrade() -> None:
    """Down: certificates are forgotten; their files stay, and can't be read any more."""
    op.drop_table("certificate_files")
    op.drop_table("certificate_prints")
    op.drop_table("certificates")
