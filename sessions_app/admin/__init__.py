"""Sessions, projects and glossaries in the admin pages."""

from sessions_app.admin import (  # noqa: F401 - imported for what they register
    projects,
    sessions,
)
