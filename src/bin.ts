#!/usr/bin/env node
import { standardError, standardOutput } from './cli/output.js'
import { run } from './cli.js'

process.exit(await run(process.argv.slice(2), standardOutput(process.stdout), standardError(process.stderr)))
