"""Errors a reader can act on: each message names the file or value, what was found, what was expected, what to do."""


class HandsegError(Exception):
    """Base of every error this library raises on purpose."""


class DataError(HandsegError, ValueError):
    """A file, frame or data set that cannot be used as it is."""


class LabelError(DataError):
    """A label map that holds values its convention does not know, or has the wrong type or shape."""


class ProfileError(HandsegError, ValueError):
    """An unknown profile, or a profile file with unknown, missing or ill-typed keys."""


class ParameterError(HandsegError, ValueError):
    """A notebook parameter or command-line option that does not exist or has a wrong value."""


class RunError(HandsegError, RuntimeError):
    """A training run that is unknown, failed, or whose numbers are not available."""


class StoreError(HandsegError, RuntimeError):
    """A stored artefact (run, checkpoint, data set) that is damaged, incomplete or of another version."""


class ReportError(HandsegError, RuntimeError):
    """A report artefact that is missing, damaged or refers to something unknown."""


class CameraError(HandsegError, OSError):
    """A camera, or the library that drives it, that cannot be used: absent, busy, unplugged, or not of this mode."""


class RecordingError(CameraError):
    """A recording that is missing, damaged, incomplete or of another kind, or a file that cannot be recorded to."""
