"""Every exception a caller may meet.

A fault in an artifact is a finding.  These are for the other case: a request
that cannot be carried out.  They carry a reason; whoever catches one knows
where it happened.
"""


class AbicheckError(Exception):
    """A request could not be carried out."""


class UsageError(AbicheckError):
    """The request itself is wrong; nothing was examined (exit status 2)."""


class ArtifactError(AbicheckError):
    """An artifact could not be read for a reason that is not in its bytes."""


class EngineError(AbicheckError):
    """A container engine does not answer, or does not do what a smoke import needs of it.

    The reason says what to do about it, in one line.
    """


class ProfileError(UsageError):
    """A target profile is unknown, malformed or breaks one of its own laws."""


class ConfigError(UsageError):
    """The configuration or the baseline cannot be read, or asks for what there is not."""
