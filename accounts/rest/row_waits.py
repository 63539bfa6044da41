"""How long a request waits for a row that somebody else is changing."""

from __future__ import annotations

from django.db import OperationalError, connection

from pipeline.bounds import ROW_WAIT_S

_HELD = frozenset(("55P03", "40P01", "40001"))
"""SQLSTATE of lock_not_available, deadlock_detected and serialization_failure
(PostgreSQL, appendix A)."""


def bound_row_waits() -> None:
    """From here to the end of the transaction: then ``waited_in_vain`` tells of the error."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{ROW_WAIT_S * 1000:.0f}"])


def waited_in_vain(error: Exception) -> bool:
    """Whether it is others' work on the same rows that made the statement fail."""
    state = getattr(error.__cause__, "sqlstate", None)
    return isinstance(error, OperationalError) and state in _HELD
