// The probe protocol (docs/probe-protocol.md): what this process sees of the platform, for scfcert.
const crypto = require("crypto");
const fs = require("fs");

const credentials = ["x-scf-session-token", "x-scf-secret-id", "x-scf-secret-key"];

// asked is what an event asks for; undefined where it is an ordinary event.
function asked(event) {
  return event && event.scfcertProbe;
}

function digest(data) {
  return "sha256:" + crypto.createHash("sha256").update(data).digest("hex");
}

function writable(folder) {
  try {
    fs.rmdirSync(fs.mkdtempSync(folder + "/scfcert-probe-"));
    return true;
  } catch {
    return false;
  }
}

// report is the report on one request.
function report(request, body) {
  const headers = {};
  for (let n = 0; n < request.rawHeaders.length; n += 2) {
    const [name, value] = request.rawHeaders.slice(n, n + 2);
    // A credential never leaves the process, its hash tells enough.
    (headers[name] ||= []).push(credentials.includes(name.toLowerCase()) ? digest(value) : value);
  }
  const tmp = fs.statfsSync("/tmp");
  const openFiles = fs.readFileSync("/proc/self/limits", "utf8").match(/Max open files\s+\d+\s+(\d+)/);
  return {
    probe: 1,
    environment: process.env,
    headers,
    argv: process.argv,
    method: request.method,
    target: request.url,
    bodySha256: digest(body),
    bodyBytes: body.length,
    rootWritable: writable("/"),
    tmpWritable: writable("/tmp"),
    tmpBytes: tmp.blocks * tmp.bsize,
    openFiles: Number(openFiles[1]),
    uid: process.getuid(),
    gid: process.getgid(),
    timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

module.exports = { asked, report };
