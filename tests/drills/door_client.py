"""Talks to a door over HTTP with Python's standard library."""

import http.client
import json
import urllib.parse


class Away(Exception):
    """The door did not answer; nobody knows whether it took the request."""


class Door:
    """One connection, opened again after a failure."""

    def __init__(self, url, token, timeout_s=10):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.token = token
        self.timeout_s = timeout_s
        self._connection = None

    def send(self, method, target, body=None, token=None, headers=None):
        """The status, the headers and the JSON of the answer."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout_s)
        all_headers = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json"
        try:
            self._connection.request(method, target, data, all_headers)
            answer = self._connection.getresponse()
            text = answer.read()
            return answer.status, dict(answer.getheaders()), json.loads(text) if text[:1] in b"{[" and text else text
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise Away(str(error)) from error

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ledger(self, shard=0):
        """Every record of a ledger, in order."""
        after = 0
        while True:
            status, _, page = self.send("GET", f"/v1/ledger?shard={shard}&after={after}&limit=10000")
            if status != 200:
                raise Away(f"the ledger was answered with {status}")
            yield from page["records"]
            if not page["records"]:
                return
            after = page["records"][-1]["seq"]
