import { buildStale } from './build.mjs'

try {
  await buildStale()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
// From here on as 'belfry start'.
process.argv.splice(2, 0, 'start')
await import('../dist/bin.js')
