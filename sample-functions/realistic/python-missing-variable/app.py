import os
from http.server import BaseHTTPRequestHandler, HTTPServer


class Function(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


database = os.environ["DATABASE_URL"]
HTTPServer(("0.0.0.0", 9000), Function).serve_forever()
