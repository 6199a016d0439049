import assert from 'node:assert/strict'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { draft, MARKS_IN_TESTS, PAGE, person } from '../contracts/store.js'
import { Model } from './model.js'
import { SqliteSubject } from './subject.js'

const USERS = ['ada', 'bob', 'cy', 'dee'] as const
const TOPICS = ['a', 'b'] as const
const STEPS = 120

/** The same seed gives the same numbers. */
function dice(seed: number): (sides: number) => number {
  let state = seed >>> 0
  return (sides) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

/** One run: the store and the model do the same, and must look the same to everybody after every step. */
class Run implements AsyncDisposable {
  readonly #subject = new SqliteSubject()
  readonly #other = new Sqlite(this.#subject.path, { timeout: 5000 })
  readonly #roll: (sides: number) => number
  readonly #model: Model
  readonly #sent: { id: string; timed: boolean }[] = []
  readonly #looks = new Map<string, { version: number; visible: string }>()
  #now = Date.now()

  constructor(seed: number) {
    this.#roll = dice(seed)
    this.#model = new Model(this.#now)
  }

  /** Messages to all, of which each but the last user has read nearly all, one by one: more than the store keeps apart. The first is unread again. */
  async readOneByOne(): Promise<void> {
    const readers = USERS.slice(0, -1)
    const { notification: first } = await this.#subject.store.insert(draft('everyone', 'first'))
    this.#sent.push({ id: first.id, timed: false })
    this.#model.send({ id: first.id, title: 'first', audiences: ['everyone'], publishAt: null, expiresAt: null })
    for (const user of readers) {
      await this.#subject.store.remember(person(user, ['a']))
      this.#model.join(user, ['a'], true)
      await this.#subject.store.markAllAsRead(user, Number.MAX_SAFE_INTEGER, this.#now)
      this.#model.markAll(user, undefined)
      await this.#subject.store.mark(user, [first.id], 'unread', this.#now)
      this.#model.mark(user, first.id, 'unread')
    }
    for (let n = 0; n < 80; n++) {
      const topic = n % 6 === 0
      const { notification } = await this.#subject.store.insert(draft(topic ? { topic: 'a' } : 'everyone', `o${n}`))
      this.#sent.push({ id: notification.id, timed: false })
      this.#model.send({ id: notification.id, title: `o${n}`, audiences: [topic ? 'topic:a' : 'everyone'], publishAt: null, expiresAt: null })
      if (n % 30 === 7) continue
      for (const user of readers) {
        await this.#subject.store.mark(user, [notification.id], 'read', this.#now)
        this.#model.mark(user, notification.id, 'read')
      }
    }
  }

  async step(): Promise<string> {
    const actions = [
      this.#send,
      this.#send,
      this.#mark,
      this.#mark,
      this.#mark,
      this.#markAll,
      this.#recall,
      this.#tick,
      this.#join,
      this.#foreign,
      this.#foreign,
    ]
    const done = await (actions[this.#roll(actions.length)] ?? this.#send).call(this)
    for (const user of USERS) await this.#compare(user)
    await this.#compareReport()
    return done
  }

  /** Of something that is in somebody's inbox, as many have read it as the report says. */
  async #compareReport(): Promise<void> {
    const { id } = this.#sent[this.#roll(this.#sent.length || 1)] ?? { id: '' }
    const states = USERS.flatMap((user) => this.#model.inbox(user).find((seen) => seen.id === id)?.state ?? [])
    if (states.length === 0) return
    const read = states.filter((state) => state !== 'unread').length
    assert.equal((await this.#subject.store.report(id, []))?.read, read, `the readers of ${id}`)
    const readers = await this.#subject.store.readers(id, { limit: 100, except: [] })
    assert.equal(readers?.filter(({ readAt }) => readAt !== null).length, read, `the list of readers of ${id}`)
  }

  async #compare(user: string): Promise<void> {
    const expected = this.#model.inbox(user)
    const { rows, snapshot } = await this.#subject.store.list(user, { ...PAGE, limit: 1000 })
    const seen = rows.map(({ id, title, state }) => ({ id, title, state }))
    assert.deepEqual(
      seen,
      expected.filter(({ state }) => state !== 'archived'),
      `the inbox of ${user}`,
    )
    assert.deepEqual(await this.#subject.store.snapshot(user), snapshot, `the snapshot of ${user} is what is stored`)
    assert.deepEqual((await this.#subject.store.look([{ user, seen: 0 }]))[0]?.latest, rows[0], `the latest of ${user} stands first in the inbox`)
    assert.equal(snapshot.unread, expected.filter(({ state }) => state === 'unread').length, `the count of ${user}`)
    assert.equal(snapshot.unread, this.#subject.recount(user), `the recount of ${user}`)
    for (const filter of ['unread', 'archived'] as const) {
      const wanted = expected.filter(({ state }) => state === filter).map(({ id }) => id)
      assert.deepEqual(await this.#walk(user, filter), wanted, `what is ${filter} of ${user}`)
    }
    const visible = JSON.stringify(expected)
    const last = this.#looks.get(user) ?? { version: 0, visible }
    assert.ok(snapshot.version >= last.version, `the version of ${user} fell`)
    assert.ok(snapshot.version > last.version || visible === last.visible, `the version of ${user} did not rise with what is visible`)
    this.#looks.set(user, { version: snapshot.version, visible })
  }

  async #walk(user: string, filter: 'unread' | 'archived'): Promise<string[]> {
    const ids: string[] = []
    for (let before: number | null = null; ; ) {
      const { rows, more } = await this.#subject.store.list(user, { ...PAGE, filter, before, limit: 3 })
      ids.push(...rows.map(({ id }) => id))
      before = rows.at(-1)?.position ?? null
      if (!more) return ids
    }
  }

  #user(): string {
    return USERS[this.#roll(USERS.length)] ?? 'ada'
  }

  #audience(): { to: { user: string } | { users: string[] } | { topic: string } | 'everyone'; audiences: string[] } {
    const users = [...new Set([this.#user(), this.#user()])]
    const topic = TOPICS[this.#roll(TOPICS.length)] ?? 'a'
    switch (this.#roll(4)) {
      case 0:
        return { to: { user: users[0] ?? 'ada' }, audiences: [`user:${users[0]}`] }
      case 1:
        // In a batch the order is that of the names as they are stored.
        return { to: { users }, audiences: users.map((user) => `user:${user}`) }
      case 2:
        return { to: { topic }, audiences: [`topic:${topic}`] }
      default:
        return { to: 'everyone', audiences: ['everyone'] }
    }
  }

  async #send(): Promise<string> {
    const { to, audiences } = this.#audience()
    const publishAt = this.#roll(4) === 0 ? this.#now + 60_000 * (1 + this.#roll(9)) + this.#sent.length : null
    const expiresAt = this.#roll(4) === 0 ? (publishAt ?? this.#now) + 60_000 * (1 + this.#roll(9)) : null
    const title = `t${this.#sent.length}`
    const { notification } = await this.#subject.store.insert(draft(to, title, { publishAt, expiresAt }))
    this.#sent.push({ id: notification.id, timed: publishAt !== null || expiresAt !== null })
    this.#model.send({ id: notification.id, title, audiences, publishAt, expiresAt })
    return `send to ${audiences}, publish ${publishAt}, expire ${expiresAt}`
  }

  async #mark(): Promise<string> {
    const user = this.#user()
    const inbox = this.#model.inbox(user)
    const item = inbox[this.#roll(inbox.length || 1)]
    if (item === undefined) return 'nothing to mark'
    const mark = MARKS_IN_TESTS[this.#roll(MARKS_IN_TESTS.length)] ?? 'read'
    if (mark === 'unread' && item.state === 'archived') return 'not to be marked'
    await this.#subject.store.mark(user, [item.id], mark, this.#now)
    this.#model.mark(user, item.id, mark)
    return `${user} marks ${item.title} as ${mark}`
  }

  async #markAll(): Promise<string> {
    const user = this.#user()
    const inbox = this.#model.inbox(user)
    const item = this.#roll(2) === 0 ? undefined : inbox[this.#roll(inbox.length || 1)]
    const upTo = item === undefined ? Number.MAX_SAFE_INTEGER : ((await this.#subject.store.find(user, item.id))?.position ?? 0)
    await this.#subject.store.markAllAsRead(user, upTo, this.#now)
    this.#model.markAll(user, item?.id)
    return `${user} marks all up to ${item?.title ?? 'the end'}`
  }

  async #recall(): Promise<string> {
    const sent = this.#sent[this.#roll(this.#sent.length || 1)]
    if (sent === undefined) return 'nothing to recall'
    await this.#subject.store.recall(sent.id, this.#now)
    this.#model.recall(sent.id)
    return `recall ${sent.id}`
  }

  async #tick(): Promise<string> {
    this.#now += 60_000 * this.#roll(6)
    for (let next: number | null = 0; next !== null && next <= this.#now; ) next = await this.#subject.store.tick(this.#now)
    this.#model.tick(this.#now)
    return `the clock shows ${this.#now}`
  }

  async #join(): Promise<string> {
    const user = this.#user()
    const topics = TOPICS.filter(() => this.#roll(2) === 0)
    const everyone = this.#roll(4) > 0
    await this.#subject.store.remember(person(user, topics, everyone ? 0 : 8e15))
    this.#model.join(user, topics, everyone)
    return `${user} is in ${topics}, ${everyone ? '' : 'not '}in everyone`
  }

  /** Somebody else's connection: only rows without times, since the triggers look at the real clock. */
  async #foreign(): Promise<string> {
    const timeless = this.#sent.filter(({ timed }) => !timed)
    const id = timeless[this.#roll(timeless.length || 1)]?.id ?? 'none'
    const audience = ['everyone', `user:${this.#user()}`, `topic:${TOPICS[this.#roll(2)]}`][this.#roll(3)] ?? 'everyone'
    const sql = (text: string, ...values: unknown[]) => this.#other.prepare(text).run(...values)
    switch (this.#roll(7)) {
      case 0: {
        const fresh = `f${this.#sent.length}`
        sql('INSERT INTO notifications (id, audience, title) VALUES (?, ?, ?)', fresh, audience, fresh)
        this.#sent.push({ id: fresh, timed: false })
        this.#model.send({ id: fresh, title: fresh, audiences: [audience], publishAt: null, expiresAt: null })
        return `foreign insert to ${audience}`
      }
      case 1:
        sql('UPDATE notifications SET title = ? WHERE id = ?', `r${this.#sent.length}`, id)
        this.#model.rename(id, `r${this.#sent.length}`)
        return `foreign rename of ${id}`
      case 2:
        sql('UPDATE notifications SET audience = ? WHERE id = ?', audience, id)
        this.#model.readdress(id, [audience])
        return `foreign readdress of ${id} to ${audience}`
      case 3:
        sql('DELETE FROM notifications WHERE id = ?', id)
        this.#model.recall(id)
        return `foreign delete of ${id}`
      case 4:
        sql(`UPDATE notifications SET recalled_at = datetime('now') WHERE id = ?`, id)
        this.#model.recall(id)
        return `foreign recall of ${id}`
      case 5:
        sql(`INSERT OR IGNORE INTO notifications (id, audience, title) VALUES (?, 'everyone', 'ignored')`, timeless.length > 0 ? id : 'x y')
        if (this.#other.prepare(`SELECT 1 FROM notifications WHERE title = 'ignored'`).get() !== undefined) {
          sql(`DELETE FROM notifications WHERE title = 'ignored'`)
        }
        return `foreign insert that is ignored`
      default: {
        const title = `p${this.#sent.length}`
        sql('INSERT OR REPLACE INTO notifications (id, audience, title) VALUES (?, ?, ?)', id, audience, title)
        this.#model.recall(id)
        if (!this.#sent.some((sent) => sent.id === id)) this.#sent.push({ id, timed: false })
        this.#model.send({ id, title, audiences: [audience], publishAt: null, expiresAt: null })
        return `foreign replace of ${id} for ${audience}`
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#other.close()
    await this.#subject[Symbol.asyncDispose]()
  }
}

/** Those with many digits once disagreed. */
const SEEDS = [1, 2, 3, 120_676_803, 3_152_199_431, 4_242_528_657, Math.trunc(Math.random() * 2 ** 32)]

for (const seed of SEEDS) {
  test(`whatever people, clocks and other processes do, the store agrees with a simple model (seed ${seed})`, async () => {
    await using run = new Run(seed)
    await take(run, seed)
  })

  test(`and so it does with people who have read many one by one (seed ${seed})`, async () => {
    await using run = new Run(seed)
    await run.readOneByOne()
    await take(run, seed)
  })
}

async function take(run: Run, seed: number): Promise<void> {
  const history: string[] = []
  for (let step = 0; step < STEPS; step++) {
    try {
      history.push(await run.step())
    } catch (error) {
      assert.fail(`seed ${seed}, step ${step}, after: ${history.slice(-6).join(' | ')}: ${error instanceof Error ? error.message : error}`)
    }
  }
}
