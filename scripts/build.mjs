import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Pages that come without a script of their own have no file here; an entry that is missing is passed over. */
const pages = ['belfry', 'inbox', 'item', 'times', 'compose', 'clock', 'preferences-page']
/** Scripts that those fetch where they are wanted. */
const besides = ['panel', 'inbox-extras', 'call', 'over', 'bell-ar', 'bell-pl', 'inbox-ar', 'inbox-pl']
const entries = [...pages, ...besides, 'core']
const styles = ['belfry', 'app']

/** Builds what is stale: the server into `dist/`, the browser half into `public/build/`. Says what it does on standard error. */
export async function buildStale() {
  const browser = join('src', 'browser') + sep
  const sources = filesBelow('src')
  const parts = [
    {
      name: 'server',
      to: 'dist',
      sources: [...sources.filter((file) => !file.startsWith(browser)), 'tsconfig.json', 'tsconfig.build.json'],
      make: buildServer,
    },
    {
      name: 'browser half',
      to: join('public', 'build'),
      sources: [...sources.filter((file) => file.startsWith(browser)), join('src', 'notifications', 'protocol.ts'), ...styles.map(styleFile)],
      make: buildBrowser,
    },
  ]
  await Promise.all(parts.map(buildPart))
}

async function buildPart({ name, to, sources, make }) {
  const state = hashOf([...sources, join('scripts', 'build.mjs')])
  const stamp = join(root, to, '.built-from')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === state) return
  process.stderr.write(`Building the ${name} …\n`)
  const draft = join(root, 'node_modules', '.cache', 'belfry', `${to.replace(sep, '-')}-${process.pid}`)
  makeDraft(draft, name)
  try {
    await make(draft)
    writeFileSync(join(draft, '.built-from'), state)
    mkdirSync(dirname(join(root, to)), { recursive: true })
    rmSync(join(root, to), { recursive: true, force: true })
    moveInto(draft, join(root, to))
  } catch (error) {
    if (!error.code?.endsWith('MODULE_NOT_FOUND')) throw error
    throw new Error(
      "Nothing can be built without what 'npm ci --omit=dev' leaves out. Run 'npm ci --include=dev' and start again, or build before you leave it out.",
    )
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** In a folder that cannot be written Node's `recursive` says that it is not there. */
function makeDraft(draft, name) {
  try {
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft, { recursive: true })
  } catch (error) {
    throw new Error(
      `The ${name} is to be built, as its sources are newer than what was built of them, and ${root} cannot be written (${error.code}). Run 'npm run build' as a user who may, and start again.`,
    )
  }
}

/** `node_modules` may be another volume, and nothing is renamed from one to another; who built at the same time may have come first. */
function moveInto(from, to) {
  try {
    renameSync(from, to)
  } catch (error) {
    if (error.code === 'EXDEV') cpSync(from, to, { recursive: true })
    else if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  }
}

async function buildServer(to) {
  if (!(await compile('-p', 'tsconfig.build.json', '--outDir', to))) throw new Error('The server could not be built.')
}

async function compile(...options) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const child = spawn(process.execPath, [tsc, ...options], { cwd: root, stdio: ['ignore', 2, 2] })
  return (await new Promise((resolve) => child.once('exit', resolve))) === 0
}

async function buildBrowser(to) {
  const { build: bundle } = await import('esbuild')
  const scripts = entries.map((name) => ({ in: join(root, 'src', 'browser', `${name}.ts`), out: name })).filter((entry) => existsSync(entry.in))
  const entryPoints = [...scripts, ...styles.map((name) => ({ in: join(root, styleFile(name)), out: name }))]
  const bundled = bundle({
    entryPoints,
    outdir: to,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'error',
  })
  // Bundlers and editors of those who import the core find its types there.
  const types = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', 'src', '--outDir', join(to, 'types')]
  if (!(await compile('-p', join('src', 'browser'), ...types))) throw new Error('The browser half could not be built.')
  await bundled
  await Promise.all(scripts.map(({ out }) => shrink(join(to, `${out}.js`))))
}

/** What esbuild leaves, terser makes smaller by another twentieth. What it calls unsafe is so for whoever replaces what the language brings, which nothing here does. */
async function shrink(file) {
  const { minify } = await import('terser')
  const { code } = await minify(readFileSync(file, 'utf8'), {
    module: true,
    ecma: 2020,
    compress: { passes: 3, hoist_funs: true, inline: 1, lhs_constants: false, unsafe_arrows: true, unsafe: true },
  })
  writeFileSync(file, code)
}

function styleFile(name) {
  return join('public', `${name}.css`)
}

function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort()
}

function hashOf(files) {
  const hash = createHash('sha256')
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  return hash.digest('hex')
}

/** `npm ci --omit=dev` prepares nothing: what it runs was built before. */
const hasTools = existsSync(join(root, 'node_modules', 'typescript'))

if (process.argv[1] === fileURLToPath(import.meta.url) && (hasTools || process.argv[2] !== '--where-possible')) {
  await buildStale().catch((error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
}
