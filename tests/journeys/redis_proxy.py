"""A line to Redis that can be cut, or go dead without a sign, for tests of what happens then."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit


class RedisProxy:
    """Forwards connections to the Redis of `url`; `url` of the proxy itself is the same with another port."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._pairs: list[tuple[socket.socket, socket.socket, threading.Event]] = []
        self._refuses = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        self.url = urlunsplit(parts._replace(netloc=f"{credentials}127.0.0.1:{self._listener.getsockname()[1]}"))
        threading.Thread(target=self._accept, daemon=True).start()

    def go_dead(self) -> None:
        """Nothing more comes through the connections that are open, and nobody is told; new ones work."""
        for _, _, dead in self._pairs:
            dead.set()

    def refuse(self) -> None:
        """Redis is away: connections end, new ones too."""
        self._refuses = True
        self._end_pairs()

    def allow(self) -> None:
        """Redis is back."""
        self._refuses = False

    def close(self) -> None:
        self._listener.close()
        self._end_pairs()

    def _end_pairs(self) -> None:
        pairs, self._pairs = self._pairs, []
        for near, far, _ in pairs:
            for end in (near, far):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._refuses:
                    near.close()
                    continue
                far = socket.create_connection(self._target)
                dead = threading.Event()
                self._pairs.append((near, far, dead))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, sink, dead), daemon=True).start()

    @staticmethod
    def _forward(source: socket.socket, sink: socket.socket, dead: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if not dead.is_set():
                    sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
