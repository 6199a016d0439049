import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { contest } from '../bench/lib/contest.js'
import { parts, row } from '../bench/lib/report.js'
import { keptRun, type Run } from '../bench/lib/runs.js'

describe('a contest', () => {
  it('begins each round with the next contestant, and tells of them in the order in which they were named', async () => {
    const turns: string[] = []
    const results = await contest(4, { belfry: 1, socketio: 2, ws: 3 }, async (value, name) => {
      turns.push(name)
      return { value, turn: turns.length }
    })
    assert.deepEqual(turns.join(' '), 'belfry socketio ws socketio ws belfry ws belfry socketio belfry socketio ws')
    assert.deepEqual(Object.keys(results.samples), ['belfry', 'socketio', 'ws'])
    assert.deepEqual(results.values('ws', 'turn'), [3, 5, 7, 12], 'a sample a round, in the order of the rounds')
    assert.deepEqual(results.values('ws', 'value'), [3, 3, 3, 3])
  })
})

describe('the page of what Belfry costs', () => {
  const page = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8')

  it('shows what the results beside the benchmarks say, in the form that `--publish` gives them', () => {
    const run = keptRun('results.json')
    assert.ok(run, 'a run is published')
    for (const [name, part] of Object.entries(parts(run, keptRun('results.earlier.json')))) assert.ok(page.includes(`\n\n${part}\n\n`), name)
  })
})

describe('a row of the table', () => {
  const judgement = { what: 'Time to answer, against ws', measured: { value: 1.23, low: 1.1, high: 1.5 }, unit: '×' }

  it('says whether the goal is met', () => {
    assert.equal(row({ ...judgement, goal: { atMost: 1.3 } }), '| Time to answer, against ws | 1.23 (1.1–1.5)× | ≤ 1.3× | met |')
    assert.equal(row({ ...judgement, goal: { atLeast: 1.3 } }), '| Time to answer, against ws | 1.23 (1.1–1.5)× | ≥ 1.3× | **missed** |')
  })

  it('says beside it what an earlier run measured, where that measured the same', () => {
    const before = { ...judgement, measured: { value: 1.5, low: 1.5, high: 1.5 }, goal: { atMost: 1.3 } }
    const earlier = { machine: {}, measured: [{ outcome: { judgements: [before] } }] } as unknown as Run
    const shown = '| Time to answer, against ws | 1.23 (1.1–1.5)× | ≤ 1.3× | met |'
    assert.equal(row({ ...judgement, goal: { atMost: 1.3 } }, earlier), `${shown} 1.5×, **missed** |`)
    assert.equal(row({ ...judgement, goal: { atMost: 1.3 } }, { machine: {}, measured: [] }), `${shown} – |`)
  })

  it('without a goal says only what was measured', () => {
    assert.equal(row(judgement), '| Time to answer, against ws | 1.23 (1.1–1.5)× | – |  |')
  })
})
