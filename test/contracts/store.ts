import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDraft } from '../../src/notifications/draft.js'
import type { Ending } from '../../src/notifications/ending.js'
import { ConflictError, InvalidError } from '../../src/notifications/errors.js'
import type { Draft } from '../../src/notifications/notification.js'
import { type Identity, parsePerson } from '../../src/notifications/person.js'
import type { Inserted, Mark, Page, Store } from '../../src/notifications/store/store.js'
import { eventually } from '../helpers/eventually.js'

/** A store on a database of its own, and what the suite needs beside it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store
  /** Lets another process run a statement on the same database. */
  foreign(sql: string): Promise<void>
  /** The unread count by counting everything, without any counter; throws where what is delivered is not what should be. */
  recount(user: string): number
}

export const PAGE: Page = { filter: 'all', category: null, before: null, after: null, limit: 25 }

export const MARKS_IN_TESTS: readonly Mark[] = ['read', 'unread', 'archive', 'unarchive']

export function draft(to: Draft['to'], title: string, more: Partial<Draft> = {}) {
  return parseDraft({ to, title, ...more })
}

export function person(id: string, topics: Identity['topics'] = [], since?: number) {
  return parsePerson({ id, topics, since }, 'identify')
}

/** Everybody's way to look at a store in these tests: each look also counts anew. */
export class Eyes {
  readonly #subject: StoreUnderTest

  constructor(subject: StoreUnderTest) {
    this.#subject = subject
  }

  get store(): Store {
    return this.#subject.store
  }

  send(to: Draft['to'], title: string, more: Partial<Draft> = {}): Promise<Inserted> {
    return this.store.insert(draft(to, title, more))
  }

  async unread(user: string): Promise<number> {
    const { unread } = await this.store.snapshot(user)
    assert.equal(unread, this.#subject.recount(user), `the count of ${user} is not what a recount says`)
    return unread
  }

  async version(user: string): Promise<number> {
    return (await this.store.snapshot(user)).version
  }

  async titles(user: string, page: Partial<Page> = {}): Promise<string[]> {
    const { rows, snapshot } = await this.store.list(user, { ...PAGE, ...page })
    assert.deepEqual(snapshot, await this.store.snapshot(user))
    return rows.map((row) => row.title)
  }

  /** Whether the version of each of these rose while something was done; it may never fall. */
  async risen(users: readonly string[], action: () => Promise<unknown>): Promise<string[]> {
    const before = await Promise.all(users.map((user) => this.version(user)))
    await action()
    const after = await Promise.all(users.map((user) => this.version(user)))
    for (const [index, user] of users.entries()) assert.ok((after[index] ?? 0) >= (before[index] ?? 0), `the version of ${user} fell`)
    return users.filter((_, index) => (after[index] ?? 0) > (before[index] ?? 0))
  }
}

/** What every store promises, whatever database it is built on. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  const it = (sentence: string, body: (eyes: Eyes, subject: StoreUnderTest) => Promise<void>) =>
    test(`${name}: ${sentence}`, async () => {
      await using subject = await open()
      await body(new Eyes(subject), subject)
    })

  it('a notification is unread to whom it addresses, and to nobody else', async (eyes) => {
    await eyes.send({ user: 'ada' }, 'for Ada')
    await eyes.send({ users: ['ada', 'bob'] }, 'for two')
    await eyes.send({ topic: 'role:editor' }, 'for editors')
    await eyes.send('everyone', 'for everyone')
    await eyes.store.remember(person('cy', ['role:editor']))
    assert.deepEqual(await eyes.titles('ada'), ['for everyone', 'for two', 'for Ada'])
    assert.deepEqual(await eyes.titles('bob'), ['for everyone', 'for two'])
    assert.deepEqual(await eyes.titles('cy'), ['for everyone', 'for editors'])
    assert.deepEqual(await Promise.all(['ada', 'bob', 'cy', 'never seen'].map((user) => eyes.unread(user))), [3, 2, 2, 1])
  })

  it('what is stored comes back as it was sent', async (eyes) => {
    const { notification } = await eyes.send({ user: 'ada' }, 'Ünïcode 🔔', {
      body: 'two\nlines',
      url: '/a#b',
      level: 'warning',
      category: 'builds',
      data: { from: 'CI', n: [1, 2] },
      sender: 'bot',
    })
    const row = await eyes.store.find('ada', notification.id)
    assert.equal(row?.title, 'Ünïcode 🔔')
    assert.equal(row?.body, 'two\nlines')
    assert.deepEqual([row?.url, row?.level, row?.category, row?.data], ['/a#b', 'warning', 'builds', { from: 'CI', n: [1, 2] }])
    assert.deepEqual(notification.to, { user: 'ada' })
    assert.deepEqual((await eyes.store.report(notification.id, []))?.notification, notification)
  })

  it('reading, archiving and back change the count and the version, and only where they change something', async (eyes) => {
    const mine = (await eyes.send({ user: 'ada' }, 'mine')).notification.id
    const all = (await eyes.send('everyone', 'all')).notification.id
    for (const id of [mine, all]) {
      const before = await eyes.unread('ada')
      for (const [mark, change, risen] of [
        ['read', -1, true],
        ['read', -1, false],
        ['unread', 0, true],
        ['unread', 0, false],
        ['unarchive', 0, false],
        ['archive', -1, true],
        ['archive', -1, false],
        ['read', -1, false],
        ['unarchive', -1, true],
        ['unread', 0, true],
      ] as const) {
        const who = await eyes.risen(['ada', 'bob'], () => eyes.store.mark('ada', [id], mark, 1000))
        assert.deepEqual(who, risen ? ['ada'] : [], mark)
        assert.equal(await eyes.unread('ada'), before + change, mark)
      }
    }
    assert.equal(await eyes.unread('bob'), 1)
  })

  it('what is archived cannot be marked as unread, and then nothing is', async (eyes) => {
    const [one, two] = [(await eyes.send({ user: 'ada' }, 'one')).notification.id, (await eyes.send({ user: 'ada' }, 'two')).notification.id]
    await eyes.store.mark('ada', [one], 'read', 1)
    await eyes.store.mark('ada', [two], 'archive', 2)
    await assert.rejects(eyes.store.mark('ada', [one, two], 'unread', 3), InvalidError)
    assert.equal(await eyes.unread('ada'), 0)
    assert.deepEqual(await eyes.titles('ada', { filter: 'archived' }), ['two'])
    assert.deepEqual(await eyes.titles('ada'), ['one'])
  })

  it("somebody else's notification cannot be found, listed or marked", async (eyes) => {
    const id = (await eyes.send({ user: 'ada' }, 'secret')).notification.id
    assert.equal(await eyes.store.find('bob', id), undefined)
    assert.deepEqual([...(await eyes.store.mark('bob', [id, 'no such'], 'read', 1))], [])
    assert.deepEqual([...(await eyes.store.mark('ada', [id, 'no such'], 'read', 1))], [[id, 'unread']])
    assert.deepEqual(await eyes.titles('bob'), [])
  })

  it('marking all as read stops at what was shown; what comes later stays unread', async (eyes) => {
    await eyes.send({ user: 'ada' }, 'one')
    await eyes.send('everyone', 'two')
    const shown = (await eyes.store.list('ada', PAGE)).rows[0]
    await eyes.send({ user: 'ada' }, 'three')
    assert.deepEqual(await eyes.risen(['ada', 'bob'], () => eyes.store.markAllAsRead('ada', shown?.position ?? 0, 5000)), ['ada'])
    assert.equal(await eyes.unread('ada'), 1)
    assert.deepEqual(await eyes.titles('ada', { filter: 'unread' }), ['three'])
    assert.equal((await eyes.store.find('ada', shown?.id ?? ''))?.readAt, 5000)
    assert.deepEqual(await eyes.risen(['ada'], () => eyes.store.markAllAsRead('ada', shown?.position ?? 0, 6000)), [])
    await eyes.store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 7000)
    await eyes.send({ user: 'ada' }, 'four')
    await eyes.send('everyone', 'five')
    assert.equal(await eyes.unread('ada'), 2)
  })

  it('what was marked as unread below the mark is unread until it is read again', async (eyes) => {
    const ids: string[] = []
    for (const to of [{ user: 'ada' }, 'everyone', { user: 'ada' }] as const)
      ids.push((await eyes.send(to, `to ${JSON.stringify(to)}`)).notification.id)
    await eyes.store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 1000)
    await eyes.store.mark('ada', ids.slice(0, 2), 'unread', 2000)
    assert.equal(await eyes.unread('ada'), 2)
    assert.equal((await eyes.titles('ada', { filter: 'unread' })).length, 2)
    const shown = await eyes.store.find('ada', ids[0] ?? '')
    await eyes.store.markAllAsRead('ada', shown?.position ?? 0, 3000)
    assert.equal(await eyes.unread('ada'), 1)
    assert.equal((await eyes.store.find('ada', ids[0] ?? ''))?.readAt, 3000)
    assert.equal((await eyes.store.find('ada', ids[2] ?? ''))?.readAt, 1000)
    assert.deepEqual(await eyes.risen(['ada'], () => eyes.store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 4000)), ['ada'])
    assert.equal(await eyes.unread('ada'), 0)
  })

  it('marking all as read twice reads again what was marked as unread between the two', async (eyes) => {
    const { notification } = await eyes.send({ user: 'ada' }, 'one')
    for (const at of [1000, 3000]) {
      assert.deepEqual(await eyes.risen(['ada'], () => eyes.store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, at)), ['ada'])
      assert.equal(await eyes.unread('ada'), 0)
      assert.equal((await eyes.store.find('ada', notification.id))?.readAt, at)
      await eyes.store.mark('ada', [notification.id], 'unread', at + 1000)
      assert.equal(await eyes.unread('ada'), 1)
    }
  })

  it('whoever reads hundreds of broadcasts one by one has the right count all along, and what is new first', async (eyes) => {
    await eyes.store.remember(person('ada', ['t']))
    const sent = await Promise.all(Array.from({ length: 320 }, (_, n) => eyes.send(n % 8 === 0 ? { topic: 't' } : 'everyone', `n${n}`)))
    const ids = sent.map(({ notification }) => notification.id)
    for (let read = 0; read < 300; read += 20) {
      await eyes.store.mark('ada', ids.slice(read, read + 20), read % 40 === 0 ? 'archive' : 'read', 1000)
      assert.equal(await eyes.unread('ada'), 300 - read)
    }
    assert.deepEqual((await eyes.titles('ada', { filter: 'unread' })).slice(0, 2), ['n319', 'n318'])
    await eyes.send('everyone', 'new to all')
    const looks = await eyes.store.look(['bob', 'ada', 'cy'].map((user) => ({ user, seen: 0 })))
    assert.deepEqual(
      looks.map(({ snapshot, latest }) => [snapshot.unread, latest?.title]),
      [281, 21, 281].map((unread) => [unread, 'new to all']),
    )
    await eyes.store.markAllAsRead('ada', Number.MAX_SAFE_INTEGER, 2000)
    assert.equal(await eyes.unread('ada'), 0)
    await eyes.store.mark('ada', ids, 'unarchive', 3000)
    for (let again = 0; again < 300; again += 50) {
      await eyes.store.mark('ada', ids.slice(again, again + 50), 'unread', 4000)
      assert.equal(await eyes.unread('ada'), again + 50)
    }
    assert.equal((await eyes.titles('ada', { filter: 'unread', limit: 1000 })).length, 300)
    assert.deepEqual(await eyes.risen(['ada', 'bob'], () => eyes.store.recall(ids[0] ?? '', 5000)), ['ada'])
    assert.equal(await eyes.unread('ada'), 299)
  })

  it('pages go through the whole inbox in both directions, each row once', async (eyes) => {
    await eyes.store.remember(person('ada', ['a', 'b']))
    const sent: string[] = []
    for (let n = 0; n < 23; n++) {
      const to = ([{ user: 'ada' }, { topic: 'a' }, 'everyone', { topic: 'b' }, { user: 'bob' }] as const)[n % 5] ?? 'everyone'
      if (n % 5 !== 4) sent.push(`n${n}`)
      await eyes.send(to, `n${n}`, n % 2 === 0 ? { category: 'even' } : {})
    }
    const walk = async (direction: 'before' | 'after', more: Partial<Page> = {}) => {
      const seen: string[] = []
      let cursor: number | null = direction === 'after' ? 0 : null
      for (;;) {
        const { rows, more: on } = await eyes.store.list('ada', { ...PAGE, ...more, limit: 4, [direction]: cursor })
        seen.push(...rows.map((row) => row.title))
        cursor = rows.at(-1)?.position ?? null
        if (!on) return seen
        assert.equal(rows.length, 4)
      }
    }
    assert.deepEqual(await walk('before'), sent.toReversed())
    assert.deepEqual(await walk('after'), sent)
    const even = sent.filter((title) => Number(title.slice(1)) % 2 === 0)
    assert.deepEqual(await walk('before', { category: 'even' }), even.toReversed())
    await eyes.store.markAllAsRead('ada', (await eyes.store.list('ada', { ...PAGE, limit: 8 })).rows.at(-1)?.position ?? 0, 1)
    const again = (await eyes.store.list('ada', { ...PAGE, limit: 100 })).rows.slice(-3).map((row) => row.id)
    await eyes.store.mark('ada', again, 'unread', 2)
    assert.deepEqual(await walk('after', { filter: 'unread' }), [...sent.slice(0, 3), ...sent.slice(-7)])
    assert.deepEqual(await walk('before', { filter: 'unread' }), [...sent.slice(0, 3), ...sent.slice(-7)].toReversed())
    await eyes.store.mark('ada', again, 'archive', 3)
    assert.deepEqual(await walk('before', { filter: 'archived' }), sent.slice(0, 3).toReversed())
    assert.deepEqual(await walk('after'), sent.slice(3))
  })

  it('the latest is the newest of the inbox after a position', async (eyes) => {
    const latestOf = async (after: number) => (await eyes.store.look([{ user: 'ada', seen: after }]))[0]?.latest
    assert.equal(await latestOf(0), undefined)
    await eyes.send({ user: 'ada' }, 'one')
    await eyes.send('everyone', 'two')
    await eyes.send({ user: 'bob' }, 'three')
    const latest = await latestOf(0)
    assert.equal(latest?.title, 'two')
    assert.equal((await eyes.store.snapshot('ada')).newest, latest?.position)
    assert.equal(await latestOf(latest?.position ?? 0), undefined)
  })

  it('a broadcast belongs to those whose membership began no later than it was published', async (eyes) => {
    await eyes.send('everyone', 'early')
    const { publishedAt } = (await eyes.store.look([{ user: 'x', seen: 0 }]))[0]?.latest ?? { publishedAt: 0 }
    await eyes.send({ topic: 'a' }, 'early in a')
    await eyes.store.remember(person('same', ['a'], publishedAt))
    await eyes.store.remember(person('later', [{ name: 'a', since: publishedAt + 60_000 }], publishedAt + 60_000))
    assert.deepEqual(await eyes.titles('same'), ['early in a', 'early'])
    assert.deepEqual(await eyes.titles('later'), [])
    assert.equal(await eyes.unread('same'), 2)
    assert.equal(await eyes.unread('later'), 0)
    assert.equal((await eyes.store.snapshot('later')).newest, 0)
  })

  it('a change of topics raises the version once, whatever the topics have counted', async (eyes) => {
    for (let n = 0; n < 5; n++) await eyes.send({ topic: 'busy' }, `busy ${n}`)
    for (const topics of [['busy'], ['busy', 'quiet'], ['quiet'], [], ['busy']]) {
      assert.deepEqual(await eyes.risen(['ada', 'bob'], () => eyes.store.remember(person('ada', topics))), ['ada'], topics.join())
      assert.deepEqual(await eyes.risen(['ada'], () => eyes.store.remember(person('ada', topics))), [])
      assert.equal(await eyes.unread('ada'), topics.includes('busy') ? 5 : 0)
      assert.equal((await eyes.store.snapshot('ada')).membership, person('ada', topics).key)
    }
  })

  it('what is recalled is gone from every inbox, and recalling it again changes nothing', async (eyes) => {
    const ids: string[] = []
    for (const to of [{ user: 'ada' }, { users: ['ada', 'bob'] }, 'everyone'] as const) ids.push((await eyes.send(to, 'oops')).notification.id)
    await eyes.store.mark('bob', ids.slice(1, 2), 'read', 1)
    for (const id of ids) assert.equal(await eyes.store.recall(id, 2), true)
    assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob'), await eyes.titles('ada')], [0, 0, []])
    assert.equal(await eyes.store.find('ada', ids[0] ?? ''), undefined)
    assert.deepEqual(await eyes.risen(['ada', 'bob'], async () => assert.equal(await eyes.store.recall(ids[2] ?? '', 3), false)), [])
    assert.equal(await eyes.store.recall('no such', 4), undefined)
    assert.equal((await eyes.store.report(ids[0] ?? '', []))?.status, 'recalled')
  })

  it('what is planned appears when it is due, and what expires disappears, each with a version', async (eyes) => {
    const now = Date.now()
    const id = (await eyes.send({ users: ['ada', 'bob'] }, 'planned', { publishAt: now + 60_000, expiresAt: now + 120_000 })).notification.id
    assert.equal((await eyes.store.report(id, []))?.status, 'scheduled')
    assert.equal(await eyes.store.tick(now + 59_999), now + 60_000)
    assert.equal(await eyes.unread('ada'), 0)
    assert.deepEqual(await eyes.risen(['ada', 'bob', 'cy'], async () => assert.equal(await eyes.store.tick(now + 60_000), now + 120_000)), [
      'ada',
      'bob',
    ])
    assert.equal(await eyes.unread('ada'), 1)
    assert.equal((await eyes.store.find('ada', id))?.publishedAt, now + 60_000)
    await eyes.store.mark('bob', [id], 'read', 1)
    assert.deepEqual(await eyes.risen(['ada', 'bob', 'cy'], async () => assert.equal(await eyes.store.tick(now + 120_000), null)), ['ada', 'bob'])
    assert.deepEqual([await eyes.unread('ada'), await eyes.unread('bob'), await eyes.titles('ada')], [0, 0, []])
    const report = await eyes.store.report(id, [])
    assert.deepEqual([report?.status, report?.recipients, report?.read], ['expired', 2, 1])
  })

  it('what came due and expired while nobody ran is never seen', async (eyes) => {
    const now = Date.now()
    await eyes.send('everyone', 'missed', { publishAt: now + 1000, expiresAt: now + 2000 })
    assert.deepEqual(await eyes.risen(['ada'], () => eyes.store.tick(now + 3000)), [])
    assert.deepEqual(await eyes.titles('ada'), [])
  })

  it('what is recalled before it is due never appears', async (eyes) => {
    const now = Date.now()
    const id = (await eyes.send({ user: 'ada' }, 'no', { publishAt: now + 1000 })).notification.id
    await eyes.store.recall(id, now)
    assert.equal(await eyes.store.tick(now + 2000), null)
    assert.equal(await eyes.unread('ada'), 0)
  })

  it('the same key of the same sender stores one notification', async (eyes) => {
    const once = { idempotencyKey: 'k', sender: 's' }
    const [first, second] = await Promise.all([eyes.send({ user: 'ada' }, 'once', once), eyes.send({ user: 'ada' }, 'once', once)])
    assert.deepEqual([first.replayed, second.replayed, second.notification.id], [false, true, first.notification.id])
    await assert.rejects(eyes.send({ user: 'ada' }, 'other', once), ConflictError)
    await eyes.send({ user: 'ada' }, 'other', { ...once, sender: 't' })
    assert.equal(await eyes.unread('ada'), 2)
  })

  it('the same key finds what was stored also after that has expired', async (eyes) => {
    const expiresAt = Date.now() + 100
    const brief = { idempotencyKey: 'k', expiresAt }
    const first = await eyes.send({ user: 'ada' }, 'brief', brief)
    await eventually(() => Date.now() > expiresAt, 'it has expired')
    assert.deepEqual(await eyes.send({ user: 'ada' }, 'brief', brief), { ...first, replayed: true })
    await assert.rejects(eyes.send({ user: 'ada' }, 'brief', { expiresAt }), InvalidError)
  })

  it('the report counts recipients and readers, without those who are not to be counted', async (eyes) => {
    const named = (await eyes.send({ users: ['ada', 'bob', 'cy'] }, 'named')).notification.id
    const all = (await eyes.send('everyone', 'all')).notification.id
    const topic = (await eyes.send({ topic: 't' }, 'topic')).notification.id
    await eyes.store.remember(person('ada', ['t']))
    await eyes.store.mark('ada', [named, topic], 'read', 1000)
    await eyes.store.markAllAsRead('bob', Number.MAX_SAFE_INTEGER, 2000)
    await eyes.store.mark('cy', [all], 'archive', 3000)
    const count = async (id: string, except: string[] = []) => {
      const report = await eyes.store.report(id, except)
      return [report?.recipients, report?.read]
    }
    assert.deepEqual(await count(named), [3, 2])
    assert.deepEqual(await count(named, ['bob']), [2, 1])
    assert.deepEqual(await count(all), [null, 2])
    assert.deepEqual(await count(all, ['cy']), [null, 1])
    assert.deepEqual(await count(topic), [null, 1])
    assert.deepEqual(await eyes.store.readers(named, { limit: 10, except: ['cy'] }), [
      { user: 'bob', readAt: 2000 },
      { user: 'ada', readAt: 1000 },
    ])
    assert.deepEqual((await eyes.store.readers(named, { limit: 10, except: [] }))?.at(-1), { user: 'cy', readAt: null })
    assert.deepEqual(await eyes.store.readers(all, { limit: 1, except: [] }), [{ user: 'cy', readAt: 3000 }])
    assert.equal(await eyes.store.readers('no-such', { limit: 10, except: [] }), undefined)
    const sent = await eyes.store.sent({ before: null, limit: 2, except: [] })
    assert.deepEqual(
      sent.map((entry) => entry.notification.title),
      ['topic', 'all'],
    )
    const older = await eyes.store.sent({ before: sent.at(-1)?.sequence ?? null, limit: 2, except: [] })
    assert.deepEqual(
      older.map((entry) => entry.notification.title),
      ['named'],
    )
    assert.equal(await eyes.store.report('no such', []), undefined)
  })

  it('whoever watches hears of each change after it can be read, and whose connections are to end, as it was announced', async (eyes) => {
    const heard: string[] = []
    const ended: Ending[] = []
    const stop = eyes.store.watch((changed, endings) => {
      heard.push(...changed)
      ended.push(...endings)
    })
    const endings = [
      { session: 'abc', at: 7 },
      { user: 'ada', at: 1_800_000_000_000 },
      { user: ' signed-out:*?[7]\n"ä\'%_', at: 8 },
    ]
    await eyes.send({ users: ['ada', 'bob'] }, 'hi')
    await eyes.send({ topic: 't' }, 'hi')
    for (const ending of endings) await eyes.store.announce(ending)
    await eventually(() => heard.length >= 3 && ended.length >= 3, 'all of it was told')
    assert.deepEqual([heard, ended], [['user:ada', 'user:bob', 'topic:t'], endings])
    stop()
    await eyes.send('everyone', 'hi')
    assert.equal(heard.length, 3)
  })

  it('a row of another process reaches inbox, count and watchers; so do its changes and its deletion', async (eyes, subject) => {
    const heard = new Set<string>()
    eyes.store.watch((changed) => {
      for (const audience of changed) heard.add(audience)
    })
    await subject.foreign(`INSERT INTO notifications (audience, title) VALUES ('user:7', 'Backup done'), ('everyone', 'Hello')`)
    await eventually(() => heard.has('user:7') && heard.has('everyone'), 'the foreign rows were told of')
    assert.deepEqual([await eyes.unread('7'), await eyes.titles('7')], [2, ['Hello', 'Backup done']])
    const risen = await eyes.risen(['7', '8'], () => subject.foreign(`UPDATE notifications SET title = 'Backup failed' WHERE audience = 'user:7'`))
    assert.deepEqual([risen, await eyes.titles('7')], [['7'], ['Hello', 'Backup failed']])
    await subject.foreign(`UPDATE notifications SET audience = 'user:8' WHERE audience = 'user:7'`)
    assert.deepEqual([await eyes.unread('7'), await eyes.unread('8'), await eyes.titles('8')], [1, 2, ['Backup failed', 'Hello']])
    assert.deepEqual(await eyes.risen(['7', '8'], () => subject.foreign(`DELETE FROM notifications WHERE audience = 'everyone'`)), ['7', '8'])
    assert.deepEqual([await eyes.unread('7'), await eyes.unread('8')], [0, 1])
  })

  it('a batch to five thousand people is all or nothing, and in every inbox', async (eyes) => {
    const users = Array.from({ length: 5000 }, (_, n) => `u${n}`)
    const id = (await eyes.send({ users }, 'many')).notification.id
    assert.deepEqual([await eyes.unread('u0'), await eyes.unread('u4999'), (await eyes.store.report(id, []))?.recipients], [1, 1, 5000])
    await eyes.store.recall(id, 1)
    assert.deepEqual([await eyes.unread('u0'), await eyes.unread('u4999')], [0, 0])
  })

  it('after close nothing can be written, and what was begun before is there', async (eyes) => {
    const begun = eyes.send({ user: 'ada' }, 'begun')
    const closed = eyes.store.close()
    assert.equal((await begun).replayed, false)
    await closed
    await assert.rejects(eyes.send({ user: 'ada' }, 'late'), { code: 'unavailable' })
    await assert.rejects(eyes.store.snapshot('ada'), { code: 'unavailable' })
    await assert.rejects(eyes.store.check(), { code: 'unavailable' })
  })
}
