"""``/api/projects`` and what belongs to them: uploads, lines, jobs and exports."""
