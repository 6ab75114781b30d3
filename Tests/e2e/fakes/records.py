"""What an upstream has answered, so that a test can compare it with the ledger."""

import itertools
import threading


class Records:
    def __init__(self):
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self.requests = []
        self.answered = []

    def received(self, request, body):
        with self._lock:
            self.requests.append((request, body))

    def number(self):
        with self._lock:
            return next(self._numbers)

    def finished(self, **facts):
        with self._lock:
            self.answered.append(facts)

    def last(self):
        with self._lock:
            return self.requests[-1]
