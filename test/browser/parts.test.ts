import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBackoff } from '../../src/browser/backoff.js'
import { compare, position } from '../../src/browser/list.js'
import { createPending } from '../../src/browser/pending.js'
import { createStore } from '../../src/browser/state.js'
import type { Item } from '../../src/notifications/protocol.js'

const state = (version: number, unread: number, epoch = 'e') => ({ epoch, version, unread })

describe('the state that a page shows', () => {
  it('is the newest one, in whatever order states come', () => {
    const store = createStore(state(3, 3))
    assert.equal(store.offer(state(5, 1)), true)
    assert.equal(store.offer(state(4, 2)), false)
    assert.equal(store.offer(state(5, 9)), false)
    assert.deepEqual(store.getSnapshot().state, state(5, 1))
  })

  it('starts anew with another epoch, though its version is lower', () => {
    const store = createStore(state(7, 4))
    assert.equal(store.offer(state(1, 2, 'restored')), true)
    assert.deepEqual(store.getSnapshot().state, state(1, 2, 'restored'))
  })

  it('is the same object until something changes, and every change is told once', () => {
    const store = createStore(state(1, 1))
    let told = 0
    const leave = store.subscribe(() => told++)
    const before = store.getSnapshot()
    store.offer(state(1, 1))
    store.connection('connecting')
    assert.equal(store.getSnapshot(), before)
    assert.equal(told, 0)
    store.connection('live')
    store.offer(state(2, 0))
    leave()
    store.offer(state(3, 1))
    assert.equal(told, 2)
  })
})

describe('waiting before another attempt', () => {
  it('takes anything from nothing to a bound that doubles up to a cap', () => {
    const most = createBackoff(() => 1)
    assert.deepEqual(
      Array.from({ length: 7 }, () => most.next()),
      [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
    )
    const least = createBackoff(() => 0)
    assert.deepEqual([least.next(), least.next()], [0, 0])
  })

  it('begins anew only after a connection that stood for a while', () => {
    let now = 0
    const backoff = createBackoff(
      () => 1,
      () => now,
    )
    backoff.next()
    backoff.next()
    backoff.opened()
    now = 9999
    assert.equal(backoff.next(), 4000)
    backoff.opened()
    now = 19_999
    assert.equal(backoff.next(), 1000)
  })
})

describe('comparing the rows of a page with the inbox', () => {
  const cursor = (id: string) => `${id.charCodeAt(0).toString(36)}-epoch0`
  const rows = (ids: string) => [...ids].map((id) => ({ id, dataset: { cursor: cursor(id) } }))
  const items = (ids: string): Item[] => [...ids].map((id) => ({ id, cursor: cursor(id) }) as Item)
  const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).join('')
  const differences = (shown: string, has: string, isAll = false) => {
    const { fresh, same, gone } = compare(rows(shown), { items: items(has), nextCursor: isAll ? null : cursor(has.at(-1) ?? '') })
    return { fresh: ids(fresh), same: ids(same.map(([row]) => row)), gone: ids(gone) }
  }

  it('finds what is not shown, newest first', () => {
    assert.deepEqual(differences('dcb', 'fedcba', true), { fresh: 'fea', same: 'dcb', gone: '' })
    assert.deepEqual(differences('', 'ba', true), { fresh: 'ba', same: '', gone: '' })
  })

  it('takes for gone only what the stretch covers', () => {
    assert.deepEqual(differences('edcba', 'ec'), { fresh: '', same: 'ec', gone: 'd' })
    assert.deepEqual(differences('edcba', 'ec', true), { fresh: '', same: 'ec', gone: 'dba' })
    assert.deepEqual(differences('ba', '', true), { fresh: '', same: '', gone: 'ba' })
  })

  it('knows what came later by its cursor', () => {
    assert.ok(position('10-epoch0') > position('z-epoch0'))
    assert.equal(position(null), 0)
  })
})

describe('a change on its way to the server', () => {
  it('is taken back when it fails, and others are left alone', async () => {
    const pending = createPending()
    const undone: string[] = []
    const fail = () => Promise.reject(new Error('no'))
    const results = await Promise.all([
      pending.run('a', fail, () => undone.push('a')),
      pending.run(
        'b',
        () => Promise.resolve(),
        () => undone.push('b'),
      ),
    ])
    assert.deepEqual([results, undone], [['failed', undefined], ['a']])
    assert.equal(pending.has('a'), false)
  })

  it('is not taken back once something newer was begun for the same notification', async () => {
    const pending = createPending()
    const undone: string[] = []
    const first = pending.run(
      'a',
      () => Promise.reject(new Error('no')),
      () => undone.push('first'),
    )
    const second = pending.run(
      'a',
      () => Promise.resolve(),
      () => undone.push('second'),
    )
    assert.equal(pending.has('a'), true)
    assert.deepEqual(await Promise.all([first, second]), ['failed', undefined])
    assert.deepEqual(undone, [])
  })

  it('waits for the one before it, so that the server ends where the page does', async () => {
    const pending = createPending()
    const order: string[] = []
    let finish: () => void = () => {}
    const first = pending.run(
      'a',
      () =>
        new Promise<void>((resolve) => {
          finish = resolve
        }).then(() => void order.push('first')),
      () => {},
    )
    const second = pending.run(
      'a',
      async () => void order.push('second'),
      () => {},
    )
    await Promise.resolve()
    finish()
    await Promise.all([first, second])
    assert.deepEqual(order, ['first', 'second'])
  })
})
