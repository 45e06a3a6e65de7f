"""A TCP proxy that adds latency and nothing else: what is sent in one go arrives in one go, later.

Each piece of data gets the time at which it is due, when it is read; another thread sends it then.
So data in flight never waits for data before it to be answered, as on a long line, and a client that
pipelines gains here what it gains there. A proxy that slept between reading and sending would delay
every piece by the pieces before it.

The handshake of TCP is the kernel's and takes no time on loopback; a long line would cost it one
round trip. So the first data of a connection is due one round trip later than all other.
"""

import collections
import multiprocessing
import socket
import threading
import time


class DelayProxy:
    """Runs in a process of its own, so that its work does not wait for the benchmark's."""

    def __init__(self, port, one_way_seconds):
        self.one_way = one_way_seconds
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.get_context("fork").Process(
            target=serve, args=(listener, port, one_way_seconds), daemon=True)
        self.process.start()
        listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def measured_round_trip(self):
        """The median round trip of one byte on an open connection, in seconds: the delay as it really is."""
        times = []
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", self.port)) as connection:
                # Until the handshake's share is over.
                time.sleep(6 * self.one_way)
                sent = time.perf_counter()
                # SSLRequest (PostgreSQL manual, 55.7): answered with one byte.
                connection.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
                connection.recv(1)
                times.append(time.perf_counter() - sent)
        return sorted(times)[len(times) // 2]


def serve(listener, port, one_way):
    while True:
        client, _ = listener.accept()
        accepted = time.monotonic()
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.close()
            continue
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Direction(client, server, one_way, accepted + 3 * one_way)
        Direction(server, client, one_way, 0)


class Direction:
    """One way of a connection: a reader that never waits for the writer, and a writer on time."""

    def __init__(self, source, sink, one_way, not_before):
        self.source, self.sink, self.one_way, self.not_before = source, sink, one_way, not_before
        self.queue = collections.deque()
        self.filled = threading.Semaphore(0)
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.write, daemon=True).start()

    def read(self):
        while True:
            try:
                data = self.source.recv(1 << 18)
            except OSError:
                data = b""
            due = max(time.monotonic() + self.one_way, self.not_before)
            self.queue.append((due, data))
            self.filled.release()
            if not data:
                return

    def write(self):
        while True:
            self.filled.acquire()
            due, data = self.queue.popleft()
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            try:
                if not data:
                    self.sink.shutdown(socket.SHUT_WR)
                    return
                self.sink.sendall(data)
            except OSError:
                # The other side is gone; closing both ends tells whoever is left.
                for end in (self.source, self.sink):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                return
