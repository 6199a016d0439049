import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Eyes, PAGE, person, type StoreUnderTest } from './store.js'

const ALWAYS = Number.MAX_SAFE_INTEGER
const NEVER = Number.NEGATIVE_INFINITY

/** What every store promises about old notifications and about users who leave. */
export function retentionContract(name: string, open: () => Promise<StoreUnderTest>): void {
  const it = (sentence: string, body: (eyes: Eyes) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      await using subject = await open()
      await body(new Eyes(subject))
    })

  it('what is old leaves the inbox by whether it was read; counts and versions follow, and only where something left', async (eyes) => {
    const { store } = eyes
    await store.remember(person('ada', ['role:editor']))
    const read = (await eyes.send({ user: 'ada' }, 'read')).notification.id
    await eyes.send({ users: ['ada', 'bob'] }, 'unread')
    const broadcast = (await eyes.send({ topic: 'role:editor' }, 'broadcast')).notification.id
    await store.mark('ada', [read, broadcast], 'read', Date.now())
    assert.deepEqual(await eyes.risen(['ada', 'bob'], () => store.prune({ readBefore: NEVER, unreadBefore: NEVER })), [])
    assert.deepEqual(await eyes.risen(['ada', 'bob'], () => store.prune({ readBefore: ALWAYS, unreadBefore: NEVER })), ['ada'])
    assert.deepEqual(await eyes.titles('ada'), ['broadcast', 'unread'])
    assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [1, 1])
    assert.deepEqual(await store.prune({ readBefore: NEVER, unreadBefore: ALWAYS }), { removed: 3, deleted: 2 })
    assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob')], [0, 0])
    assert.deepEqual(await store.sent({ before: null, limit: 10, except: [] }), [])
  })

  it('what is on the schedule is never old', async (eyes) => {
    await eyes.send({ user: 'ada' }, 'later', { publishAt: Date.now() + 60_000 })
    assert.deepEqual(await eyes.store.prune({ readBefore: ALWAYS, unreadBefore: ALWAYS }), { removed: 0, deleted: 0 })
  })

  it('a user who is erased is as one never seen, and nobody else notices', async (eyes) => {
    const { store } = eyes
    await store.remember(person('ada', ['role:editor']))
    await eyes.send({ user: 'ada' }, 'own')
    const both = (await eyes.send({ users: ['ada', 'bob'] }, 'both', { sender: 'ada' })).notification.id
    const all = (await eyes.send('everyone', 'all')).notification.id
    await store.mark('ada', [both, all], 'read', Date.now())
    const known = await store.exportUser('ada')
    assert.deepEqual(
      known.notifications.map(({ title, audience, readAt }) => [title, audience, readAt !== null]),
      [
        ['own', 'user', false],
        ['both', 'user', true],
        ['all', 'everyone', true],
      ],
    )
    assert.deepEqual([known.topics, known.sent.map(({ title }) => title)], [[{ name: 'role:editor', since: null }], ['both']])
    assert.deepEqual(await eyes.risen(['bob'], () => store.eraseUser('ada')), [])
    assert.deepEqual([await eyes.titles('ada'), await eyes.unread('ada')], [['all'], 1])
    assert.deepEqual([await eyes.titles('bob'), await eyes.unread('bob')], [['all', 'both'], 2])
    const { notifications, topics, sent } = await store.exportUser('ada')
    assert.deepEqual([notifications, topics, sent], [[], [], []])
    assert.equal((await store.report(both, []))?.notification.sender, null)
  })

  it('what is sent to a user who is being erased is erased, too, or counted as for one never seen', async (eyes) => {
    const { store } = eyes
    const sent = await Promise.all(Array.from({ length: 700 }, (_, n) => eyes.send('everyone', `${n}`)))
    const all = sent.map(({ notification }) => notification.id)
    await store.mark('ada', all, 'read', Date.now())
    let erased = false
    const erasing = store.eraseUser('ada').then(() => {
      erased = true
    })
    while (!erased) await eyes.send({ user: 'ada' }, 'meanwhile')
    await erasing
    const { rows } = await store.list('ada', { ...PAGE, filter: 'unread', limit: 1000 })
    assert.equal(await eyes.unread('ada'), rows.length)
    await store.mark(
      'ada',
      rows.map(({ id }) => id),
      'read',
      Date.now(),
    )
    assert.equal(await eyes.unread('ada'), 0)
  })
}
