"""Ends what a supervisor leaves behind when it is killed; a script that knows no other module.

    python -I -S watchdog.py GRACE_S

Standard input tells the process groups, a line each: +GROUP is watched, -GROUP no longer. When the input ends, which it does even if the
writer was killed, the groups that are left get GRACE_S to end by themselves (their tether has told them), then SIGKILL. The tether alone
isn't enough: it holds a program, not what the program has started.
"""

import os
import signal
import sys
import time

POLL_S = 0.05


def lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def main(grace_s: float) -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    deadline = time.monotonic() + grace_s
    while any(lives(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    for group in groups:
        if lives(group):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main(float(sys.argv[1]))
