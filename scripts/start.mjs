import { buildStale } from './build.mjs'

try {
  await buildStale()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
const { run } = await import('../dist/cli.js')
process.exit(await run(['start', ...process.argv.slice(2)], process.stdout, process.stderr))
