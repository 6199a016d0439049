import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { Results } from './contest.js'
import { benchFolder } from './processes.js'
import type { Outcome, Workload } from './workload.js'

export interface Measured {
  readonly workload: Pick<Workload, 'name' | 'title' | 'about'>
  readonly outcome: Outcome
}

/** All that was measured in one go. */
export interface Run {
  readonly machine: Readonly<Record<string, string>>
  readonly measured: readonly Measured[]
}

/** Where and when it was measured. */
export function machine(): Readonly<Record<string, string>> {
  const [first] = cpus()
  return {
    processor: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `Linux ${release().split('-')[0]}`,
    node: process.version,
    commit: commit(),
    load: loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    date: new Date().toISOString().slice(0, 10),
  }
}

/** A run that was kept, or undefined where there is none. */
export function keptRun(file: 'results.json' | 'results.earlier.json'): Run | undefined {
  const path = join(benchFolder, file)
  if (!existsSync(path)) return undefined
  const { machine, measured } = JSON.parse(readFileSync(path, 'utf8')) as Run
  return {
    machine,
    measured: measured.map(({ workload, outcome }) => ({ workload, outcome: { ...outcome, results: new Results(outcome.results.samples) } })),
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: benchFolder, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}
