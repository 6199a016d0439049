// `npm test`: builds what is stale, then runs every test file, or those whose names begin with what is given, with Node's own runner.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { buildStale } from './build.mjs'

/** Not below `node_modules`: Node's own runner finds no tests there. */
const to = 'dist-test'

/** Writes as JavaScript what tests are made of: a process for each file of tests would translate it anew, which takes it a second. */
async function translate() {
  const sources = ['src', 'test', 'bench', 'scripts'].flatMap(typescriptBelow)
  await Promise.all(sources.map(translateFile))
}

/** What a file asks of its own place is answered with that of the source: views and migrations are found from there, and errors point at it. */
async function translateFile(name) {
  const source = resolve(name)
  const place = { url: pathToFileURL(source).href, dirname: dirname(source), filename: source }
  const define = Object.fromEntries(Object.entries(place).map(([key, value]) => [`import.meta.${key}`, JSON.stringify(value)]))
  const options = { loader: 'ts', format: 'esm', target: 'node20', sourcemap: 'inline', sourcesContent: false, sourcefile: source, define }
  const { code } = await transform(readFileSync(source, 'utf8'), options)
  write(join(to, name.replace(/\.ts$/, '.js')), code)
}

/** Leaves alone what is as it was: another run may be reading it. */
function write(file, text) {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function typescriptBelow(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'))
  return names.map((name) => join(folder, name))
}

const named = process.argv.slice(2)
const files = typescriptBelow('test')
  .filter((file) => file.endsWith('.test.ts') && (named.length === 0 || named.some((start) => file.startsWith(start))))
  .map((file) => join(to, file.replace(/\.ts$/, '.js')))
  .sort()
if (files.length === 0) throw new Error(`There is no test file ${named.join(' or ') || 'below test/'}.`)

await Promise.all([buildStale(), translate()])
// Most of the time a test waits for what it is about: with as many files at once as there are processors, they would be idle for half of it.
const options = ['--enable-source-maps', '--test', '--test-concurrency=4', '--test-timeout=300000']
const { status } = spawnSync(process.execPath, [...options, ...files], { stdio: 'inherit' })
process.exitCode = status ?? 1
