const http = require("http");

// As express.json() does with its default of 100 kB.
http.createServer((request, response) => {
  let size = 0;
  request.on("data", (chunk) => (size += chunk.length));
  request.on("end", () => {
    if (size > 100 * 1024) {
      response.statusCode = 413;
      response.end("PayloadTooLargeError: request entity too large");
      return;
    }
    response.end("ok");
  });
}).listen(9000, "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
