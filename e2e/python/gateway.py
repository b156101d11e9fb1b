"""An origin that does as it is told, and requests to the sites of a gateway."""

import contextlib
import http.server
import threading

import requests


class Origin(http.server.ThreadingHTTPServer):
    """An origin that answers what a test told it to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = []
        self.connections = 0
        self.answers = {}
        self.lock = threading.Lock()

    @property
    def port(self):
        return self.server_address[1]

    def get_request(self):
        self.connections += 1
        return super().get_request()

    def count(self, path):
        with self.lock:
            return sum(1 for seen in self.seen if seen["target"] == path)

    def last(self, path):
        with self.lock:
            return [seen for seen in self.seen if seen["target"] == path][-1]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        length = self.headers.get("Content-Length")
        if length is not None:
            body = self.rfile.read(int(length))
        elif self.headers.get("Transfer-Encoding"):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = b""
        seen = {"method": self.command, "target": self.path, "headers": self.headers, "body": body}
        with self.server.lock:
            self.server.seen.append(seen)
        path = self.path.split("?")[0]
        status, headers, content = self.server.answers.get(path, lambda seen: (404, {}, b"none"))(seen)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer


@contextlib.contextmanager
def running(server):
    """An origin on a thread of its own."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Edge:
    """A running gateway; requests name the site by its host."""

    def __init__(self, server, port):
        self.server = server
        self.port = port

    def request(self, method, path, host="plain.example.com", headers=None, **more):
        with requests.Session() as session:
            session.headers.clear()
            return session.request(
                method, f"http://127.0.0.1:{self.port}{path}", headers={"Host": host, **(headers or {})},
                allow_redirects=False, timeout=60, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)


def says(headers, content=b"content", status=200):
    """An answer that is always the same."""
    return lambda seen: (status, headers, content)
