"""What a user gets wrong, and what goes wrong in a run."""


class UserError(ValueError):
    """The user's input is at fault: the message is one line that names what, its value and the rule (exit code 2)."""


class RunFailed(RuntimeError):
    """A run cannot go on, and its input gave no sign of it: the message is one line that says why (exit code 1)."""


class SourceFailed(RunFailed):
    """Somebody's own code raised an exception: the message is one line with its file and line (exit code 1)."""


class NotFinite(ValueError):
    """Values that must be finite and are not: of a network that diverged, before all."""
