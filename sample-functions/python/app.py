"""A function in Python with nothing but the standard library: events and HTTP requests on port 9000."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Function(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        print("request", self.headers.get("X-Scf-Request-Id"))
        if self.path == "/event-invoke":
            self.answer({"message": "hello from Python", "event": json.loads(body)})
        else:
            self.answer({"method": "POST", "path": self.path, "bytes": len(body)})

    def do_GET(self):
        print("request", self.headers.get("X-Scf-Request-Id"))
        self.answer({"method": "GET", "path": self.path})

    def answer(self, value):
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


print("listening on 0.0.0.0:9000", file=sys.stderr)
ThreadingHTTPServer(("0.0.0.0", 9000), Function).serve_forever()
