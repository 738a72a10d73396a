"""Becomes another program that the kernel ends when the starter dies, even by SIGKILL; a script that knows no other module.

    python -I -S tether.py STARTER_PID SIGNAL USER COMMAND...

A process rather than subprocess's preexec_fn, because that isn't safe in a starter with threads. USER is empty or a system user to become
first: giving up root clears the death signal (PR_SET_PDEATHSIG, prctl(2)), so the order matters. Without prctl there is no tether.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def become(user: str) -> None:
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = "/"


def main(arguments: list[str]) -> None:
    starter_pid, signal_number, user, *command = arguments
    if user:
        become(user)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != int(starter_pid):  # it died before the tether held
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
