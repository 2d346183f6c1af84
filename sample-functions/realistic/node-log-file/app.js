const fs = require("fs");
const http = require("http");

const log = fs.createWriteStream("/app/access.log", { flags: "a" });
http.createServer((request, response) => {
  log.write(request.url + "\n");
  response.end("ok");
}).listen(9000, "0.0.0.0");
process.on("SIGTERM", () => process.exit(0));
