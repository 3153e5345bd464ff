"""Children that do not outlive their parent, however it ends.

This file is also the little program that becomes such a child: subprocess can only do
it in `preexec_fn`, which is unsafe in a process with threads, as tests have them.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
AS_IS = -1


def tied(
    command: list[str], ending: signal.Signals, uid: int = AS_IS, gid: int = AS_IS
) -> list[str]:
    """The command such that it gets `ending` when this thread dies, on Linux."""
    numbers = [str(number) for number in (ending.value, os.getpid(), uid, gid)]
    return [sys.executable, "-I", "-S", __file__, *numbers, *command]


def _become(command: list[str], ending: int, parent: int, uid: int, gid: int) -> None:
    if uid != AS_IS:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform.startswith("linux"):
        # After the change of user, which would undo it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ending, 0, 0, 0)
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606  no shell


if __name__ == "__main__":
    _become(sys.argv[5:], *(int(number) for number in sys.argv[1:5]))
