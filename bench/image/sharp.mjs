// One case on sharp: processor time per image in ms, memory growth in MB. One thread, no cache.
import { readFileSync, writeFileSync } from "node:fs";
import sharp from "sharp";

const [, , name, source, target, count] = process.argv;
sharp.concurrency(1);
sharp.cache(false);
const input = readFileSync(source);
const cases = {
  webp: () => sharp(input).resize(800).webp({ quality: 80 }),
  jpeg: () => sharp(input).resize(800).jpeg({ quality: 80 }),
  fill: () => sharp(input).resize(200, 200, { fit: "cover" }).jpeg({ quality: 80 }),
  thumb: () => sharp(input).resize(200).jpeg({ quality: 80 }),
  png: () => sharp(input).resize(400).png(),
  gif: () => sharp(input, { animated: true }).resize(240).gif(),
};
const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);
const before = peak();
let best = Infinity;
for (let round = 0; round < Number(count); round++) {
  const start = process.cpuUsage();
  writeFileSync(target, await cases[name]().toBuffer());
  const used = process.cpuUsage(start);
  best = Math.min(best, (used.user + used.system) / 1000);
}
console.log(JSON.stringify({ ms: best, mb: (peak() - before) / 1024 }));
