import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { eventually } from '../helpers/eventually.js'
import { ServerProcess } from '../helpers/server.js'
import { type Tab, Visitor } from '../helpers/visitor.js'
import { Model } from './model.js'

const SEEDS = process.env.MODEL_SEED === undefined ? [1, 2] : [Number(process.env.MODEL_SEED)]
const STEPS = Number(process.env.MODEL_STEPS ?? 60)

for (const seed of SEEDS) {
  test(`every badge, poll, list and page agrees with a model through ${STEPS} random steps (seed ${seed})`, { timeout: 170_000 }, async () => {
    await using server = await ServerProcess.start()
    await using world = await World.create(server, seed)
    for (let step = 0; step < STEPS; step++) {
      const done = await world.step()
      await world.check(`seed ${seed}, step ${step}: ${done}`)
    }
  })
}

/** A small generator with a seed (mulberry32), so that a failure can be run again. */
function random(seed: number): (below: number) => number {
  let a = seed
  return (below) => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below)
  }
}

class World implements AsyncDisposable {
  readonly #model = new Model()
  readonly #visitors = new Map<string, Visitor>()
  readonly #tabs = new Map<string, Tab[]>()
  readonly #seen = new Map<string, { version: number; view: string }>()
  readonly #pick: (below: number) => number
  readonly #outsider: Database.Database
  readonly #server: ServerProcess
  #token = ''
  #count = 0

  private constructor(server: ServerProcess, seed: number) {
    this.#server = server
    this.#pick = random(seed)
    this.#outsider = new Database(server.database, { timeout: 5000 })
  }

  static async create(server: ServerProcess, seed: number): Promise<World> {
    const world = new World(server, seed)
    const admin = await Visitor.signedIn(server.url, server.admin.username, server.admin.password)
    world.#visitors.set('admin', admin)
    world.#model.join('admin', '1', 'admin')
    world.#tabs.set('admin', [])
    for (const name of ['ada', 'bob', 'cyd', 'dan']) {
      const made = await admin.postJson<{ id: string | number }>('/admin/users', { username: name, password: `${name} is here`, role: 'member' })
      assert.equal(made.status, 201)
      world.#model.join(name, String(made.body.id), 'member')
      world.#visitors.set(name, await Visitor.signedIn(server.url, name, `${name} is here`))
      world.#tabs.set(name, [])
    }
    const token = await admin.postJson<{ token: string }>('/admin/tokens', { name: 'script' })
    assert.equal(token.status, 201)
    world.#token = token.body.token
    return world
  }

  /** Does one random thing, in the world and in the model. Returns what it was. */
  async step(): Promise<string> {
    const steps = [
      () => this.#write(),
      () => this.#write(),
      () => this.#write(),
      () => this.#mark(),
      () => this.#mark(),
      () => this.#mark(),
      () => this.#markAll(),
      () => this.#recall(),
      () => this.#changeRole(),
      () => this.#openTab(),
      () => this.#closeTab(),
      () => this.#writeFromOutside(),
      () => this.#meddleFromOutside(),
    ]
    // Membership is compared in milliseconds: two steps must not share one.
    const now = Date.now()
    await eventually(
      () => Date.now() > now + 1,
      () => 'the clock stands still',
    )
    const step = steps[this.#pick(steps.length)]
    return step === undefined ? '' : step()
  }

  async #write(): Promise<string> {
    const title = `${['news', '<b>bold</b>', 'naïve ☕', "'; DROP TABLE notifications; --"][this.#pick(4)]} ${++this.#count}`
    const admin = this.#visitor('admin')
    const audience = this.#audience()
    const to = audience === 'everyone' ? 'everyone' : 'role' in audience ? { topic: `role:${audience.role}` } : audience
    if (this.#pick(2) === 0) {
      const made = await admin.postJson<{ id: string }>(
        '/api/notifications',
        { to, title, body: 'a body' },
        { authorization: `Bearer ${this.#token}` },
      )
      assert.equal(made.status, 201, JSON.stringify(made.body))
      this.#model.publish(made.body.id, audience, title)
      return `a script writes ${title} to ${JSON.stringify(audience)}`
    }
    const form: Record<string, string> = { title, body: 'a body', level: 'info' }
    if (audience === 'everyone') form.audience = 'everyone'
    else if ('role' in audience) Object.assign(form, { audience: 'role', role: audience.role })
    else if ('user' in audience) Object.assign(form, { audience: 'user', recipients: audience.user })
    else Object.assign(form, { audience: 'users', recipients: audience.users.join(', ') })
    const answer = await admin.post('/admin/notifications', { form })
    assert.equal(answer.status, 303, await answer.text())
    this.#model.publish(answer.headers.get('location')?.split('/').at(-1) ?? '', audience, title)
    return `the admin writes ${title} to ${JSON.stringify(audience)}`
  }

  #audience() {
    const names = [...this.#visitors.keys()]
    const anybody = () => names[this.#pick(names.length)] ?? 'ada'
    const kinds = [
      'everyone' as const,
      { user: anybody() },
      { users: [...new Set([anybody(), anybody(), anybody()])] },
      { role: this.#pick(3) === 0 ? 'admin' : 'member' },
    ]
    return kinds[this.#pick(kinds.length)] ?? 'everyone'
  }

  async #mark(): Promise<string> {
    const name = this.#anybody()
    const items = this.#model.inbox(name)
    const note = items[this.#pick(items.length)]
    if (note === undefined) return `${name} has nothing to mark`
    const action = (['read', 'unread', 'archive', 'unarchive'] as const)[this.#pick(4)] ?? 'read'
    const expected = this.#model.mark(name, note.id, action)
    const { status } = await this.#visitor(name).postJson(`/notifications/${note.id}/${action}`, {})
    assert.equal(status, expected)
    return `${name} does ${action} on ${note.title}`
  }

  async #markAll(): Promise<string> {
    const name = this.#anybody()
    const items = await this.#visitor(name).inbox()
    const upTo = items[this.#pick(Math.min(items.length, 4))]
    if (upTo === undefined) return `${name} has nothing to mark as read`
    this.#model.markAll(name, upTo.id)
    const answer = await this.#visitor(name).post('/notifications/read-all', { form: { upTo: upTo.cursor } })
    assert.equal(answer.status, 303)
    return `${name} marks all as read up to ${upTo.title}`
  }

  async #recall(): Promise<string> {
    const note = this.#model.notes[this.#pick(this.#model.notes.length)]
    if (note === undefined) return 'nothing to recall'
    const answer = await this.#visitor('admin').post(`/admin/notifications/${note.id}/recall`)
    assert.equal(answer.status, note.deleted ? 404 : 303)
    note.live = false
    return `the admin recalls ${note.title}`
  }

  async #changeRole(): Promise<string> {
    const name = ['ada', 'bob', 'cyd', 'dan'][this.#pick(4)] ?? 'ada'
    const role = this.#model.person(name).role === 'admin' ? 'member' : 'admin'
    const answer = await this.#visitor('admin').post(`/admin/users/${this.#model.person(name).id}/role`, { form: { role } })
    assert.equal(answer.status, 303)
    this.#model.changeRole(name, role)
    return `${name} becomes ${role}`
  }

  async #openTab(): Promise<string> {
    const name = this.#anybody()
    this.#tabs.get(name)?.push(await this.#visitor(name).openTab())
    return `${name} opens a tab`
  }

  async #closeTab(): Promise<string> {
    const name = this.#anybody()
    await this.#tabs.get(name)?.shift()?.[Symbol.asyncDispose]()
    return `${name} closes a tab`
  }

  async #writeFromOutside(): Promise<string> {
    const name = this.#anybody()
    const title = `from a shell ${++this.#count}`
    const everyone = this.#pick(3) === 0
    const audience = everyone ? 'everyone' : `user:${this.#model.person(name).id}`
    this.#outsider.prepare('INSERT INTO notifications (audience, title) VALUES (?, ?)').run(audience, title)
    const row = this.#outsider.prepare<[string], { id: string }>('SELECT id FROM notifications WHERE title = ?').get(title)
    this.#model.publish(row?.id ?? '', everyone ? 'everyone' : { user: name }, title)
    return `another process inserts ${title} for ${audience}`
  }

  async #meddleFromOutside(): Promise<string> {
    const note = this.#model.notes.filter(({ deleted }) => !deleted)[this.#pick(Math.max(1, this.#model.notes.length))]
    if (note === undefined) return 'nothing to meddle with'
    const kind = this.#pick(3)
    if (kind === 0) {
      this.#outsider.prepare('DELETE FROM notifications WHERE id = ?').run(note.id)
      note.live = false
      note.deleted = true
      return `another process deletes ${note.title}`
    }
    if (kind === 1) {
      this.#outsider.prepare("UPDATE notifications SET expires_at = datetime('now', '-1 minute') WHERE id = ?").run(note.id)
      note.live = false
      return `another process lets ${note.title} expire`
    }
    const title = `changed ${++this.#count}`
    this.#outsider.prepare('UPDATE notifications SET title = ? WHERE id = ?').run(title, note.id)
    note.title = title
    return `another process renames to ${title}`
  }

  /** Holds everything that people can see against the model. */
  async check(when: string): Promise<void> {
    for (const [name, visitor] of this.#visitors) {
      const expected = this.#model.inbox(name).filter(({ state }) => state !== 'archived')
      const unread = expected.filter(({ state }) => state === 'unread').length
      const shown = () => `${name} (${when})`
      // Writes of other processes are allowed their second.
      await eventually(async () => (await visitor.inbox('all', 7)).map(({ id }) => id).join() === expected.map(({ id }) => id).join(), shown, 1500)
      const items = await visitor.inbox('all', 7)
      const view = (list: readonly { id: string; title: string; state: string }[]) =>
        JSON.stringify(list.map(({ id, title, state }) => [id, title, state]))
      assert.equal(view(items), view(expected), shown())
      assert.equal(view(await visitor.inbox('unread')), view(expected.filter(({ state }) => state === 'unread')), shown())
      assert.equal(view(await visitor.inbox('archived')), view(this.#model.inbox(name).filter(({ state }) => state === 'archived')), shown())

      const state = await visitor.state()
      assert.equal(state.unread, unread, `the poll of ${shown()}`)
      this.#checkVersion(name, state.version, view(this.#model.inbox(name)), shown())
      for (const tab of this.#tabs.get(name) ?? []) await this.#checkTab(tab, state, shown())
      const page = await (await visitor.get('/notifications')).text()
      assert.match(page, new RegExp(`<notification-bell[^>]* unread="${unread}"`), `the page of ${shown()}`)
    }
  }

  #checkVersion(name: string, version: number, view: string, shown: string): void {
    const before = this.#seen.get(name)
    this.#seen.set(name, { version, view })
    if (before === undefined) return
    assert.ok(version >= before.version, `the version of ${shown} fell from ${before.version} to ${version}`)
    if (view !== before.view) assert.ok(version > before.version, `what ${shown} sees changed, and the version stayed ${version}`)
  }

  async #checkTab(tab: Tab, state: { version: number; unread: number }, shown: string): Promise<void> {
    assert.equal(tab.closed, undefined, `a tab of ${shown} was closed`)
    await eventually(
      () => tab.state?.version === state.version && tab.state.unread === state.unread,
      () => `a tab of ${shown} shows ${JSON.stringify(tab.state)}, not ${JSON.stringify(state)}`,
      1000,
    )
    const versions = tab.frames.flatMap((frame) => (frame.type === 'heartbeat' ? [] : [frame.version]))
    assert.deepEqual(
      versions,
      versions.toSorted((a, b) => a - b),
      `a tab of ${shown} went back`,
    )
    assert.ok(tab.frames.every((frame) => frame.type === 'heartbeat' || frame.unread >= 0))
  }

  #anybody(): string {
    const names = [...this.#visitors.keys()]
    return names[this.#pick(names.length)] ?? 'ada'
  }

  #visitor(name: string): Visitor {
    const visitor = this.#visitors.get(name)
    assert.ok(visitor)
    return visitor
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#outsider.close()
    for (const tabs of this.#tabs.values()) for (const tab of tabs) await tab[Symbol.asyncDispose]()
    assert.ok(this.#server.pid > 0)
  }
}
