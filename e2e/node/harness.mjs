// Starts and stops the real program for the tests of ali-oss.
import { spawn } from 'node:child_process';
import dns from 'node:dns';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const KEY_ID = 'LTAI5tEndToEndKeyId';
export const SECRET = 'end-to-end-secret-0123456789ab';
export const SUFFIX = 'store.example.com';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const target = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target');
const binary = process.env.OSIER_BIN ?? path.join(target, 'release/osier');

// Names that stand for the store resolve to this machine, as a user's DNS would say.
const lookup = dns.lookup;
dns.lookup = (name, ...rest) =>
  lookup(/(\.aliyuncs\.com|\.example\.com|\.?localhost)$/i.test(name) ? '127.0.0.1' : name, ...rest);

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function reachable(port) {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(socket.destroy() && true));
    socket.on('error', () => resolve(false));
  });
}

export async function start() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'osier-e2e-'));
  const [port, consolePort] = [await freePort(), await freePort()];
  const settings = path.join(folder, 'osier.toml');
  fs.writeFileSync(settings, `[http]\nsuffixes = ["${SUFFIX}"]\n`);
  const log = path.join(folder, 'log');
  const out = fs.openSync(log, 'a');
  const child = spawn(
    binary,
    ['serve', '--data', path.join(folder, 'data'), '--listen', `127.0.0.1:${port}`,
      '--console-listen', `127.0.0.1:${consolePort}`, '--config', settings],
    {
      stdio: ['ignore', out, out],
      env: { ...process.env, OSIER_ROOT_ACCESS_KEY_ID: KEY_ID, OSIER_ROOT_ACCESS_KEY_SECRET: SECRET },
    },
  );
  const ended = new Promise(resolve => child.on('exit', resolve));
  for (let turn = 0; !(await reachable(port)); turn += 1) {
    if (child.exitCode !== null || turn > 1000) {
      throw new Error(`osier does not listen:\n${fs.readFileSync(log, 'utf8')}`);
    }
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      const code = await ended;
      if (code !== 0) throw new Error(`osier ended with ${code}:\n${fs.readFileSync(log, 'utf8')}`);
    },
  };
}
