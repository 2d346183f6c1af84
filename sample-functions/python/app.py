"""A function in Python with nothing but the standard library: events and HTTP requests on port 9000."""
import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import probe


class Function(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        print("request", self.headers.get("X-Scf-Request-Id"))
        if self.command == "POST" and self.path == "/event-invoke":
            self.event(body)
        elif "Scfcert-Probe" in self.headers:
            self.answer(probe.report(self.command, self.path, self.headers, body))
        else:
            self.answer({"method": self.command, "path": self.path, "bytes": len(body)})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def event(self, body):
        event = json.loads(body)
        asked = probe.asked(event)
        if asked is not None and asked.get("answerBytes"):
            self.answer("x" * (asked["answerBytes"] - 2))  # and two quotation marks
        elif asked is not None:
            self.answer(probe.report(self.command, self.path, self.headers, body))
        elif isinstance(event, dict) and "requestContext" in event:  # API Gateway wants an integration response
            self.answer({"isBase64Encoded": False, "statusCode": 200, "headers": {}, "body": "hello from Python"})
        else:
            self.answer({"message": "hello from Python", "event": event})

    def answer(self, value):
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def log_message(self, *_):
        pass  # a line of its own for each request is enough


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("listening on 0.0.0.0:9000", file=sys.stderr)
ThreadingHTTPServer(("0.0.0.0", 9000), Function).serve_forever()
