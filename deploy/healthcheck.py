"""Asks the web server of this container whether it is ready; exits with 0 if it is. Speaks as one of ALLOWED_HOSTS, since others are refused."""

import argparse
import http.client
import os
import sys

TIMEOUT_S = 4


def is_ready(port: int) -> bool:
    """Whether GET /ready/ answers 200."""
    name = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/ready/", headers={"Host": name if name not in ("", "*") else "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Exit with 0 if the web server on this machine is ready.")
    parser.add_argument("--port", type=int, default=8000)
    sys.exit(0 if is_ready(parser.parse_args().port) else 1)
