import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type People, signIn } from './lib/people.js'
import { benchFolder } from './lib/processes.js'
import { publish } from './lib/publish.js'
import { tell } from './lib/report.js'
import { keptRun, type Measured, machine } from './lib/runs.js'
import { type Bench, type Judgement, type Outcome, type Workload, within } from './lib/workload.js'
import { accept } from './workloads/accept.js'
import { broadcast } from './workloads/broadcast.js'
import { comeback } from './workloads/comeback.js'
import { crowd } from './workloads/crowd.js'
import { everyone } from './workloads/everyone.js'
import { exact } from './workloads/exact.js'
import { growth } from './workloads/growth.js'
import { idle } from './workloads/idle.js'
import { neighbours } from './workloads/neighbours.js'
import { notify } from './workloads/notify.js'
import { page } from './workloads/page.js'
import { poll } from './workloads/poll.js'
import { post } from './workloads/post.js'
import { readers } from './workloads/readers.js'

const workloads: readonly Workload[] = [
  idle,
  accept,
  broadcast,
  neighbours,
  comeback,
  notify,
  readers,
  post,
  page,
  poll,
  crowd,
  exact,
  growth,
  everyone,
]

const usage = `npm run bench -- [--quick] [--rounds N] [--users N] [--publish] [WORKLOAD...]
Workloads: ${workloads.map(({ name }) => name).join(' ')}
  --quick    small runs that only guard the ratios, with wide margins; ends with 1 where one is beyond its guard twice
  --users    of the largest database (1,000,000, quick 10,000); a tenth of the rows are a tenth of the time to fill it
  --rounds   how often each contestant takes its turn (3, quick 1)
  --publish  write what was measured into docs/performance.md and docs/performance.svg
  --out      where the results go as JSON (bench/results.json with --publish, else bench/results.local.json, which git ignores)`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      publish: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      users: { type: 'string' },
      out: { type: 'string' },
    },
    allowPositionals: true,
  })
  const chosen = positionals.length === 0 ? workloads : workloads.filter(({ name }) => positionals.includes(name))
  if (values.help || chosen.length < positionals.length) {
    console.log(usage)
    return values.help ? 0 : 2
  }
  prepare()
  const folder = mkdtempSync(join(tmpdir(), 'belfry-bench-'))
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
  const users = Number(values.users ?? (values.quick ? 10_000 : 1_000_000))
  const bench = benchIn(folder, { quick: values.quick, rounds, users })
  // What is published stays as it was measured, whatever else is tried.
  const out = values.out ?? join(benchFolder, values.publish ? 'results.json' : 'results.local.json')
  const save = (measured: readonly Measured[]) =>
    writeFileSync(out, `${JSON.stringify({ machine: machine(), quick: values.quick, measured }, null, 1)}\n`)
  const measured = await measureAll(chosen, bench, save)
  if (values.publish) publish({ machine: machine(), measured }, keptRun('results.earlier.json'))
  const fine = measured.length === chosen.length && (!values.quick || (await holds(measured, bench)))
  rmSync(folder, { recursive: true, force: true })
  return fine ? 0 : 1
}

/** Whether nothing is beyond its guard. A small run on a machine that was disturbed may be, so that is measured once more before it counts. */
async function holds(measured: readonly Measured[], bench: Bench): Promise<boolean> {
  const doubtful = workloads.filter((workload) => measured.some((it) => it.workload === workload && beyond(it.outcome).length > 0))
  const again = await measureAll(doubtful, bench, () => {})
  return again.length === doubtful.length && again.every(({ outcome }) => beyond(outcome).length === 0)
}

/** What is beyond its guard, said aloud. */
function beyond({ judgements }: Outcome): readonly Judgement[] {
  const found = judgements.filter(({ measured, guard }) => guard && !within(measured, guard))
  for (const { what, measured, guard } of found)
    console.log(`BEYOND ITS GUARD: ${what} is ${measured.value.toPrecision(3)}, ${JSON.stringify(guard)}`)
  return found
}

/** One that cannot be measured does not keep the others from it. */
async function measureAll(chosen: readonly Workload[], bench: Bench, save: (measured: readonly Measured[]) => void): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const workload of chosen) {
    const began = performance.now()
    try {
      const outcome = await workload.run(bench)
      measured.push({ workload, outcome })
      tell({ workload, outcome }, (performance.now() - began) / 1000)
      save(measured)
    } catch (error) {
      console.error(`\n${workload.name} could not be measured:`, error)
    }
  }
  return measured
}

function benchIn(folder: string, size: Pick<Bench, 'quick' | 'rounds' | 'users'>): Bench {
  const known = new Map<number, People>()
  const people = (count: number) => {
    const there = known.get(count) ?? signIn(folder, count)
    known.set(count, there)
    return there
  }
  return { ...size, folder, people }
}

/** The peers are installed on demand, and Belfry is measured as it is built. */
function prepare(): void {
  if (!existsSync(join(benchFolder, 'node_modules'))) run('npm', ['ci', '--no-audit', '--no-fund'], benchFolder)
  run('npm', ['run', '--silent', 'build'], join(benchFolder, '..'))
  mkdirSync(join(benchFolder, '../docs'), { recursive: true })
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed.`)
}

process.exitCode = await main()
