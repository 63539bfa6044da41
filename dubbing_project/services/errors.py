"""What keeps the services from running, told to a person in one line."""


class ServiceError(RuntimeError):
    """A service cannot be started; the text says what to do about it."""
