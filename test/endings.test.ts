import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hint } from '../src/notifications/bus/bus.js'
import { localBus } from '../src/notifications/bus/local.js'
import { Endings } from '../src/notifications/endings.js'
import type { Store } from '../src/notifications/store/store.js'
import { eventually } from './helpers/eventually.js'
import { SqliteSubject } from './store/subject.js'

/** One process's way for endings, and what its hub would hear. */
function way(store: Store): { endings: Endings; hints: Hint[] } {
  const bus = localBus()
  const hints: Hint[] = []
  bus.subscribe((hint) => hints.push(hint))
  const endings = new Endings(bus, store)
  store.watch((_changed, ended) => endings.heard(ended))
  return { endings, hints }
}

for (const whose of [{ user: 'ada' }, { session: 'key' }] as const) {
  test(`whose connections end (${Object.keys(whose)}) is heard once in every process, with the same moment, and here at once`, async () => {
    await using subject = new SqliteSubject()
    await using second = new SqliteSubject(() => subject.path)
    const here = way(subject.store)
    const there = way(second.store)
    const announced = here.endings.end(whose)
    assert.equal(here.hints.length, 1)
    await announced
    await eventually(() => there.hints.length > 0, 'the other process heard of it')
    // Whatever was to come of it has come when the next is heard.
    await there.endings.end({ user: 'bo' })
    await eventually(() => here.hints.length > 1, 'the first process heard of the next')
    const [first, next] = here.hints
    assert.deepEqual(here.hints, [first, next])
    assert.deepEqual(there.hints, [first, next])
    assert.deepEqual({ ...first, at: 0 }, { kind: 'disconnect', ...whose, at: 0 })
  })
}
