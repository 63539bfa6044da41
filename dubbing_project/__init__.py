"""The composition root: settings, routes, processes. Nothing else imports it."""
