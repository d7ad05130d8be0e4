"""A server on this machine, which can be told to misbehave."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """`files` by path; `asked` holds (path, Range header) of every request."""

    def __init__(self):
        self.files, self.asked = {}, []
        self.ranges = True  # does it know the Range header?
        self.cut = {}  # path: how many answers to break off in the middle
        self.shift = 0  # what it adds to the start of a range it sends
        self.hang = set()  # paths that are never answered


@contextmanager
def serving():
    server = Server()
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            self.path, wanted = self.path.partition("?")[0], self.headers.get("Range")
            server.asked.append((self.path, wanted))
            if self.path in server.hang:
                done.wait(5)
                return
            if self.path not in server.files:
                self.send_error(404)
                return
            body, start = server.files[self.path], 0
            if wanted and server.ranges:
                start = int(wanted.removeprefix("bytes=").removesuffix("-")) + server.shift
                if start >= len(body):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(body)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            body = body[start:]
            if server.cut.get(self.path, 0):
                server.cut[self.path] -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.address = f"http://127.0.0.1:{http.server_port}/"
    try:
        yield server
    finally:
        done.set()
        http.shutdown()
        http.server_close()
        thread.join()
