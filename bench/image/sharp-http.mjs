// A server as small as one can be: a file, sharp, an answer. Prints its port, then serves.
// Run in the directory whose `node_modules` has sharp.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const sharp = createRequire(`${process.cwd()}/bench.js`)("sharp");

const source = process.argv[2];
sharp.concurrency(1);
sharp.cache(false);
const server = createServer(async (request, answer) => {
  const width = Number(new URL(request.url, "http://localhost").searchParams.get("w"));
  const made = await sharp(await readFile(source)).resize(width).webp({ quality: 80 }).toBuffer();
  answer.writeHead(200, { "Content-Type": "image/webp", "Content-Length": made.length });
  answer.end(made);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
