const http = require("http");

http.createServer((request, response) => response.end("ok")).listen(9000, "localhost");
process.on("SIGTERM", () => process.exit(0));
