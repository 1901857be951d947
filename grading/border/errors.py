"""What can go wrong with the sandbox: each is the grader's fault, never the student's."""

import errno

PAUSES = (0.1, 0.3, 1.0, 3.0, 6.0)      # before what could not be started is tried again
WANT = {errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}  # what others use up


class SandboxUnavailable(RuntimeError):
    """No sandbox can be had on this machine; the message says why and what to do."""


class KernelNotStarted(RuntimeError):
    """The sandbox is up, but a kernel in it could not be started. `refused`: the host does not allow it, so that trying
    again is of no use. `asked`: the server was not even asked, for want of something, and is as it was. `wanting`: it failed
    for want of what others use up."""

    refused = False
    asked = True
    wanting = False


def is_wanting(error: BaseException) -> bool:
    """Whether something failed for want of what others use up: soon there may be enough."""
    return getattr(error, "wanting", False) or isinstance(error, OSError) and error.errno in WANT
