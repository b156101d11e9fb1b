// The gateway under Mark Nottingham's tests of HTTP caches: what it passes is listed in
// passes.txt, and a test that stands there must pass. `--update` adds new passes to the list.

import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import fetch from 'node-fetch'
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs'
import suites from 'http-cache-tests/tests/index.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const list = join(here, 'passes.txt')
const scratch = mkdtempSync(join(tmpdir(), 'osier-cache-tests-'))
const children = []

async function freePort () {
  const probe = createServer()
  await new Promise(resolve => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address()
  await new Promise(resolve => probe.close(resolve))
  return port
}

function start (program, args, environment) {
  const child = spawn(program, args, {
    cwd: scratch,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  children.push(child)
  return child
}

// Asks until it is answered: starting takes as long as it takes.
async function answered (url, child) {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${url}: ended with ${child.exitCode}`)
    try {
      return await fetch(url)
    } catch {
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

const [origin, edge, store, console_] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
const server = start('node', [join(here, 'node_modules/http-cache-tests/server/server.mjs')], {
  npm_config_protocol: 'http',
  npm_config_port: String(origin),
  npm_config_pidfile: join(scratch, 'pid')
})
writeFileSync(join(scratch, 'osier.toml'), `
[gateway]
listen = ["127.0.0.1:${edge}"]
[[site]]
hosts = ["*"]
origin = "http://127.0.0.1:${origin}"
`)
const osier = start(process.env.OSIER_BIN ?? join(here, '../../target/release/osier'), [
  'serve', '--data', join(scratch, 'data'), '--config', join(scratch, 'osier.toml'),
  '--listen', `127.0.0.1:${store}`, '--console-listen', `127.0.0.1:${console_}`
], { OSIER_LOG: 'error', OSIER_ROOT_ACCESS_KEY_ID: 'CACHETESTS', OSIER_ROOT_ACCESS_KEY_SECRET: 'cache-tests-secret' })

let failed = false
try {
  await answered(`http://127.0.0.1:${origin}/`, server)
  await answered(`http://127.0.0.1:${console_}/ready`, osier)
  suites.push(surrogate)
  await runTests(suites, fetch, false, `http://127.0.0.1:${edge}`)
  failed = !judge(getResults())
} finally {
  await Promise.all(children.map(child => new Promise(resolve => {
    child.on('exit', resolve)
    if (!child.kill()) resolve()
  })))
  rmSync(scratch, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)

function judge (results) {
  const tests = new Map(suites.flatMap(suite => suite.tests).map(test => [test.id, test]))
  const passes = id => results[id] === true && (tests.get(id).depends_on ?? []).every(passes)
  const kind = id => tests.get(id).kind ?? 'required'
  const ids = [...tests.keys()].filter(id => id in results)
  const passed = ids.filter(id => kind(id) !== 'check' && passes(id)).sort()
  const known = readFileSync(list, 'utf8').split('\n').filter(Boolean)
  for (const wanted of ['required', 'optimal']) {
    const all = ids.filter(id => kind(id) === wanted)
    console.log(`${all.filter(passes).length} of ${all.length} ${wanted}`)
  }
  if (process.argv.includes('--failures')) {
    for (const id of ids) {
      if (kind(id) !== 'check' && !passes(id)) console.log(`${kind(id)} ${id}: ${results[id][1] ?? 'a test it depends on fails'}`)
    }
  }
  if (process.argv.includes('--update')) {
    writeFileSync(list, [...new Set([...known, ...passed])].sort().join('\n') + '\n')
    return true
  }
  const lost = known.filter(id => !passed.includes(id))
  const more = passed.filter(id => !known.includes(id))
  if (lost.length > 0) console.log(`passed before, fails now: ${lost.map(id => `${id}: ${results[id]?.[1]}`).join('; ')}`)
  if (more.length > 0) console.log(`passes and is not listed: ${more.join(' ')}; add it by --update`)
  return lost.length === 0
}
