"""The probe protocol (docs/probe-protocol.md): what this process sees of the platform, for scfcert."""
import hashlib
import os
import resource
import sys
import tempfile
import time

CREDENTIALS = {"x-scf-session-token", "x-scf-secret-id", "x-scf-secret-key"}


def asked(event):
    """What an event asks for; None where it is an ordinary event."""
    return event.get("scfcertProbe") if isinstance(event, dict) else None


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def writable(folder):
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def report(method, target, headers, body):
    """The report on one request. headers has items() with every header, one that came twice as two of them."""
    seen = {}
    for name, value in headers.items():
        # A credential never leaves the process, its hash tells enough.
        value = digest(value.encode()) if name.lower() in CREDENTIALS else value
        seen.setdefault(name, []).append(value)
    tmp = os.statvfs("/tmp")
    return {
        "probe": 1,
        "environment": dict(os.environ),
        "headers": seen,
        "argv": sys.orig_argv,
        "method": method,
        "target": target,
        "bodySha256": digest(body),
        "bodyBytes": len(body),
        "rootWritable": writable("/"),
        "tmpWritable": writable("/tmp"),
        "tmpBytes": tmp.f_blocks * tmp.f_frsize,
        "openFiles": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "uid": os.getuid(),
        "gid": os.getgid(),
        "timeZone": time.tzname[0],
    }
