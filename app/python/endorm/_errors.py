"""What goes wrong, by whose fault it is: the core raises these, too."""


class InvalidInput(ValueError):
    """The caller's mistake: a bad record, option or file. A ValueError."""

    __module__ = "endorm"


class EngineError(RuntimeError):
    """The world failed: a model that does not load, a full disk, a server that does not answer. A RuntimeError."""

    __module__ = "endorm"


class InternalError(RuntimeError):
    """A check inside EndoRM failed: a defect, please report it. A RuntimeError."""

    __module__ = "endorm"
