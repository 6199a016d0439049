import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../src/notifications/notification.js'
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

  it('a user who asks is told of the broadcasts that they read, one by one or all together, or archived, and of no others', async (eyes) => {
    const { store } = eyes
    await store.remember(person('ada', ['role:editor'], Date.now() - 60_000))
    const send = async (title: string, to: Draft['to'] = 'everyone') => (await eyes.send(to, title)).notification.id
    await send('to editors', { topic: 'role:editor' })
    await send('to others', { topic: 'role:author' })
    await store.recall(await send('gone before'), 1)
    const early = await send('early to editors', { topic: 'role:editor' })
    await store.mark('ada', [early], 'read', 1)
    const again = await send('unread again')
    await send('by marking all')
    const own = await send('own', { user: 'ada' })
    await store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, Date.now())
    await store.mark('ada', [again], 'unread', Date.now())
    const [one, kept, late] = [await send('one'), await send('archived'), await send('gone later')]
    await store.mark('ada', [one, late], 'read', Date.now())
    await store.mark('ada', [kept], 'archive', Date.now())
    await store.recall(late, Date.now())
    await send('never read')
    const { notifications } = await store.exportUser('ada')
    assert.deepEqual(
      notifications.map(({ title, readAt, archivedAt, inInbox }) => [title, readAt !== null, archivedAt !== null, inInbox]),
      [
        ['to editors', true, false, true],
        ['early to editors', true, false, true],
        ['by marking all', true, false, true],
        ['own', true, false, true],
        ['one', true, false, true],
        ['archived', true, true, true],
        ['gone later', true, false, false],
      ],
    )
    assert.equal(notifications[3]?.readAt, new Date((await store.find('ada', own))?.readAt ?? 0).toISOString())
    await store.remember(person('ada'))
    const later = (await store.exportUser('ada')).notifications.map(({ title }) => title)
    assert.deepEqual(later.slice(0, 2), ['early to editors', 'by marking all'], 'of topics that they left, what they marked by itself')
  })

  it('a user who asks is not told of a broadcast that was left among others which were read one by one', async (eyes) => {
    const sent: string[] = []
    for (let n = 0; n < 30; n++) sent.push((await eyes.send('everyone', `${n}`)).notification.id)
    const [left] = sent.splice(3, 1)
    await eyes.store.mark('ada', sent, 'read', Date.now())
    assert.deepEqual(await eyes.titles('ada', { filter: 'unread' }), ['3'])
    const { notifications } = await eyes.store.exportUser('ada')
    assert.deepEqual(
      notifications.map(({ id }) => id),
      sent,
    )
    assert.ok(!notifications.some(({ id }) => id === left))
  })

  it('a user who asks is told when what was for them alone was read, unless it was gone before they marked all', async (eyes) => {
    const { store } = eyes
    const back = (await eyes.send({ user: 'ada' }, 'taken back')).notification.id
    await store.recall(back, Date.now() - 1000)
    await eyes.send({ user: 'ada' }, 'read')
    await store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, Date.now() + 1000)
    assert.deepEqual(
      (await store.exportUser('ada')).notifications.map(({ title, readAt }) => [title, readAt !== null]),
      [
        ['taken back', false],
        ['read', true],
      ],
    )
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
