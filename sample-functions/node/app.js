// A function in Node with nothing but its standard library: events and HTTP requests on port 9000.
const http = require("http");
const probe = require("./probe");

function answerTo(request, body) {
  if (request.method === "POST" && request.url === "/event-invoke") {
    const event = JSON.parse(body);
    const asked = probe.asked(event);
    if (asked && asked.answerBytes) return "x".repeat(asked.answerBytes - 2); // and two quotation marks
    if (asked) return probe.report(request, body);
    if (event && event.requestContext) {
      // API Gateway wants an integration response
      return { isBase64Encoded: false, statusCode: 200, headers: {}, body: "hello from Node" };
    }
    return { message: "hello from Node", event };
  }
  if (request.headers["scfcert-probe"]) return probe.report(request, body);
  return { method: request.method, path: request.url, bytes: body.length };
}

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    console.log("request", request.headers["x-scf-request-id"]);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(answerTo(request, Buffer.concat(chunks))));
  });
});
server.listen(9000, "0.0.0.0", () => console.error("listening on 0.0.0.0:9000"));

process.on("SIGTERM", () => process.exit(0));
