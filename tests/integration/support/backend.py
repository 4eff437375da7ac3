"""A back end to ProxyPass to: it records what reached it and answers with it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Backend:
    def __init__(self, port=0):
        backend = self
        self.hits = []
        self.fields = []  # of its answers, beyond the usual: (name, value)
        self.held = None  # an Event: answers wait for it

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Header and body are two writes; the second must not wait for an ACK.
            disable_nagle_algorithm = True

            def _answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                seen = {"method": self.command, "path": self.path,
                        "headers": [[name, value] for name, value in
                                    self.headers.items()],
                        "body": self.rfile.read(length).decode("utf-8", "replace")}
                backend.hits.append(seen)
                if backend.held is not None:
                    backend.held.wait(10)
                body = json.dumps(seen).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in backend.fields:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = _answer

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def seen_header(seen, name):
    """What the back end received under this name: a list."""
    return [value for key, value in seen["headers"] if key.lower() == name.lower()]
