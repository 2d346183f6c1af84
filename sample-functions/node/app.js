// A function in Node with nothing but its standard library: events and HTTP requests on port 9000.
const http = require("http");

http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    console.log("request", request.headers["x-scf-request-id"]);
    const body = Buffer.concat(chunks);
    let answer = { method: request.method, path: request.url, bytes: body.length };
    if (request.method === "POST" && request.url === "/event-invoke") {
      answer = { message: "hello from Node", event: JSON.parse(body) };
    }
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(answer));
  });
}).listen(9000, "0.0.0.0", () => console.error("listening on 0.0.0.0:9000"));

process.on("SIGTERM", () => process.exit(0));
