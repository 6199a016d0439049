#!/usr/bin/env node
import { run } from './cli.js'

// Whoever reads only the first lines (`| head`) wants no more: that is no failure of ours, and no stack trace.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exit(await run(process.argv.slice(2), process.stdout, process.stderr))
