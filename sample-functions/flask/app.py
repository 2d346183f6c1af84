"""A function in Flask: events come by POST /event-invoke, web requests as they are."""

import signal
import sys

from flask import Flask, request

app = Flask(__name__)


@app.post("/event-invoke")
def event():
    sent = request.get_json(force=True)  # any JSON value
    name = sent.get("name", "world") if isinstance(sent, dict) else "world"
    print("an event for", name)
    return {"message": f"hello {name}"}


@app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def web(path):
    print(request.method, request.path)
    return f"hello from Flask: {request.method} {request.path}\n"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app.run(host="0.0.0.0", port=9000)
