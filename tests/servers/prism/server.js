// A validating mock before a document: `node server.js PORT INNER DOCUMENT BASE KEEP`. BASE is the expression for what stands before the document's paths,
// and KEEP the start of those that are kept: a mock of thousands is slow to start. Tokens are granted to whoever asks. Each request is a line of output: verb, path, status, and what is wrong with the request, as JSON.
const fs = require("fs");
const http = require("http");
const { spawn } = require("child_process");
const [port, inner] = [Number(process.argv[2]), Number(process.argv[3])];
const [file, base, keep] = [process.argv[4], new RegExp(process.argv[5]), process.argv[6]];

// The word before one of the documents is no part of it.
const document = JSON.parse(fs.readFileSync(file, "utf8").replace(/^[^{]*/, ""));
document.paths = Object.fromEntries(Object.entries(document.paths).filter(([path]) => path.startsWith(keep)));
fs.writeFileSync("document.json", JSON.stringify(document));
const prism = require.resolve("@stoplight/prism-cli/package.json").replace("package.json", "dist/index.js");
const mock = spawn(process.execPath, [prism, "mock", "--errors", "--host", "127.0.0.1", "--port", String(inner), "document.json"]);
for (const stream of [mock.stdout, mock.stderr]) stream.on("data", (text) => process.stderr.write(text));

function granted(response) {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ access_token: "token", token_type: "Bearer", expires_in: 3600, refresh_token: "next" }));
}

function told(request, status, body) {
  let problem = {};
  try {
    problem = JSON.parse(body);
  } catch {}
  const of_prism = typeof problem.type === "string" && problem.type.includes("stoplight.io");
  const verdict = of_prism ? JSON.stringify([problem.title, problem.detail, problem.validation]) : "good";
  console.log(`${request.method} ${request.url} ${status} ${verdict}`);
}

function forward(request, response) {
  const path = request.url.replace(base, "");
  const headers = { ...request.headers, host: `127.0.0.1:${inner}` };
  const onward = http.request({ host: "127.0.0.1", port: inner, method: request.method, path, headers }, (answer) => {
    const parts = [];
    answer.on("data", (part) => parts.push(part));
    answer.on("end", () => {
      const body = Buffer.concat(parts);
      told(request, answer.statusCode, body.toString());
      response.writeHead(answer.statusCode, { "content-type": answer.headers["content-type"] || "application/json" });
      response.end(body);
    });
  });
  request.pipe(onward);
}

// Once the mock is there.
function listen() {
  const serve = (request, response) => (request.url.endsWith("/token") ? granted(response) : forward(request, response));
  const probe = http.get({ host: "127.0.0.1", port: inner, path: "/", agent: false }, (answer) => {
    answer.resume();
    probe.removeAllListeners("error").on("error", () => {});
    http.createServer(serve).listen(port, "127.0.0.1");
  });
  probe.once("error", () => setTimeout(listen, 100));
}

listen();
