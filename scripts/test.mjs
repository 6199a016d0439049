// `npm test`: builds what is stale, then runs every test file, or those whose names begin with what is given, with Node's own runner.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { buildStale } from './build.mjs'

await buildStale()
const named = process.argv.slice(2)
const files = readdirSync('test', { recursive: true })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `test/${name}`)
  .filter((file) => named.length === 0 || named.some((start) => file.startsWith(start)))
  .sort()
if (files.length === 0) throw new Error(`There is no test file ${named.join(' or ') || 'below test/'}.`)
// Most of the time a test waits for what it is about: with as many files at once as there are processors, they would be idle for half of it.
const { status } = spawnSync(process.execPath, ['--import', 'tsx', '--test', '--test-concurrency=4', '--test-timeout=300000', ...files], {
  stdio: 'inherit',
})
process.exitCode = status ?? 1
