"""What can go wrong with the sandbox: each is the grader's fault, never the student's."""


class SandboxUnavailable(RuntimeError):
    """No sandbox can be had on this machine; the message says why and what to do."""


class KernelNotStarted(RuntimeError):
    """The sandbox is up, but a kernel in it could not be started. `refused`: the host does not allow it, so that trying
    again is of no use. `asked`: the server was not even asked, for want of something, and is as it was."""

    refused = False
    asked = True
