import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../src/notifications/hub/connection.js'
import { Hub, type HubOptions } from '../../src/notifications/hub/hub.js'
import type { Outgoing } from '../../src/notifications/hub/outgoing.js'
import { noMetrics } from '../../src/notifications/metrics.js'
import { parsePerson } from '../../src/notifications/person.js'
import type { CloseCode, Item, ServerFrame } from '../../src/notifications/protocol.js'
import type { Look } from '../../src/notifications/service.js'
import { eventually } from '../helpers/eventually.js'

/** A connection that keeps what it was sent; its peer reads, answers or is silent as the test says. */
class Line implements Connection {
  readonly user: string
  readonly session: string
  readonly frames: ServerFrame[] = []
  backlog = 0
  /** Answers when it is asked whether it is there. */
  alive = true
  /** What it is sent leaves with the next turn only, as over TLS. */
  late = false
  /** Does not answer a close. */
  deaf = false
  closed: CloseCode | 'cut' | undefined
  readonly #hub: Hub
  #heardAt = performance.now()

  constructor(hub: Hub, user: string, session = `session of ${user}`) {
    this.#hub = hub
    this.user = user
    this.session = session
  }

  get heardAt(): number {
    return this.#heardAt
  }

  send({ text }: Outgoing): void {
    if (this.closed !== undefined) return
    this.frames.push(JSON.parse(text))
    if (!this.late) return
    this.backlog = 1
    setImmediate(() => {
      this.backlog = 0
    })
  }

  beat(frame: Outgoing): void {
    this.send(frame)
    if (this.alive) this.#heardAt = performance.now()
  }

  skipBeat(): void {
    this.#heardAt = performance.now()
  }

  close(code: CloseCode): void {
    this.closed ??= code
    if (!this.deaf) setImmediate(() => this.#hub.leave(this))
  }

  terminate(): void {
    this.closed ??= 'cut'
    setImmediate(() => this.#hub.leave(this))
  }

  get last(): ServerFrame | undefined {
    return this.frames.at(-1)
  }

  get beats(): number {
    return this.frames.filter(({ type }) => type === 'heartbeat').length
  }
}

/** A hub over states that the test keeps. */
class Scene implements AsyncDisposable {
  readonly hub: Hub
  readonly states = new Map<string, Look>()
  readonly readings: string[][] = []
  readonly warnings: string[] = []
  broken = false

  constructor(options: Partial<HubOptions> = {}) {
    const log = (_details: object, message: string) => void this.warnings.push(message)
    this.hub = new Hub({
      heartbeat: 25,
      reconnectWithin: 10,
      maxConnectionsPerUser: 20,
      maxConnections: 1000,
      metrics: noMetrics,
      logger: { info() {}, warn: log, error: log },
      changed() {},
      attended() {},
      look: async (asked) => {
        this.readings.push(asked.map(({ user }) => user))
        if (this.broken) throw new Error('the database is out')
        return asked.map(({ user, seen }) => this.look(user, seen))
      },
      ...options,
    })
  }

  look(user: string, seen = 0): Look {
    const look = this.states.get(user) ?? { state: { epoch: 'e', version: 0, unread: 0 }, newest: 0, membership: '' }
    const { latest, ...rest } = look
    return latest === undefined || look.newest > seen ? look : rest
  }

  /** Somebody's state becomes another, and nobody is told. */
  change(user: string, unread: number, more: Partial<Look> = {}): void {
    const { state, ...rest } = this.look(user)
    this.states.set(user, { ...rest, ...more, state: { epoch: 'e', version: state.version + 1, unread, ...more.state } })
  }

  join(user: string, topics: string[] = []): Line {
    const person = parsePerson({ id: user, topics }, 'identify')
    this.states.set(user, { ...this.look(user), membership: person.key })
    const line = new Line(this.hub, user)
    this.hub.join(line, person, performance.now())
    return line
  }

  async greeted(user: string, topics: string[] = []): Promise<Line> {
    const line = this.join(user, topics)
    await eventually(
      () => line.frames.length > 0,
      () => 'no hello',
    )
    return line
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub.close()
  }
}

const NEWS: Item = {
  id: 'n',
  cursor: 'c',
  title: 'News',
  body: null,
  url: null,
  level: 'info',
  category: null,
  data: null,
  state: 'unread',
  createdAt: '',
  readAt: null,
  expiresAt: null,
}

async function expectUnread(line: Line, unread: number, within = 2000): Promise<void> {
  await eventually(
    () => line.frames.some((frame) => frame.type !== 'heartbeat' && frame.unread === unread),
    () => `${unread} expected: ${JSON.stringify(line.frames)}`,
    within,
  )
}

test('a connection is greeted first, with what was read after it had joined', async () => {
  await using scene = new Scene()
  const line = scene.join('ada')
  scene.change('ada', 3)
  await expectUnread(line, 3)
  assert.equal(line.frames[0]?.type, 'hello')
  assert.equal(line.frames.length, 1)
})

test('a wake reaches those of its audience only, and unknown kinds nobody', async () => {
  await using scene = new Scene()
  const ada = await scene.greeted('ada', ['role:editor'])
  const bo = await scene.greeted('bo', ['role:author'])
  for (const user of ['ada', 'bo']) scene.change(user, 1)
  scene.hub.wake(['session:x', 'signed-out:ada', 'topic:', 'user:', 'nonsense', 'topic:role:editor'])
  await expectUnread(ada, 1)
  assert.equal(bo.frames.length, 1)
  scene.hub.wake(['user:bo'])
  await expectUnread(bo, 1)
  for (const everybody of ['everyone', '*']) {
    for (const user of ['ada', 'bo']) scene.change(user, everybody.length)
    scene.hub.wake([everybody])
    for (const line of [ada, bo]) await expectUnread(line, everybody.length)
  }
})

test('wakes of one turn are one reading and one frame', async () => {
  await using scene = new Scene()
  const tabs = [await scene.greeted('ada'), await scene.greeted('ada')]
  const before = scene.readings.length
  for (let i = 1; i <= 10; i++) {
    scene.change('ada', i)
    scene.hub.wake(['user:ada', 'everyone'])
  }
  for (const tab of tabs) await expectUnread(tab, 10)
  assert.equal(scene.readings.length, before + 1)
  for (const tab of tabs) assert.equal(tab.frames.length, 2)
})

test('what is not newer is not sent, what is of another epoch is', async () => {
  await using scene = new Scene()
  const line = await scene.greeted('ada')
  scene.change('ada', 5)
  scene.hub.wake(['user:ada'])
  await expectUnread(line, 5)
  scene.states.set('ada', { ...scene.look('ada'), state: { epoch: 'e', version: 0, unread: 9 } })
  scene.hub.wake(['user:ada'])
  scene.states.set('bo', { ...scene.look('bo'), newest: 0 })
  await scene.greeted('bo')
  assert.equal(line.frames.length, 2)
  scene.states.set('ada', { ...scene.look('ada'), state: { epoch: 'restored', version: 0, unread: 7 } })
  scene.hub.wake(['user:ada'])
  await expectUnread(line, 7)
})

test('somebody whose memberships changed is woken for the new topics and no more for the old', async () => {
  await using scene = new Scene()
  const line = await scene.greeted('ada', ['old'])
  const moved = parsePerson({ id: 'ada', topics: ['new'] }, 'identify')
  scene.change('ada', 1, { membership: moved.key })
  scene.hub.wake(['user:ada'])
  await expectUnread(line, 1)
  scene.change('ada', 2)
  scene.hub.wake(['topic:old'])
  await scene.greeted('bo')
  assert.equal(line.frames.length, 2)
  scene.hub.wake(['topic:new'])
  await expectUnread(line, 2)
})

test('a hint that was lost is repaired by the next heartbeat', async () => {
  await using scene = new Scene({ heartbeat: 0.2 })
  const line = await scene.greeted('ada')
  scene.change('ada', 4)
  await expectUnread(line, 4)
  await eventually(
    () => line.last?.type === 'heartbeat',
    () => 'no heartbeat',
  )
  assert.deepEqual(line.last, { type: 'heartbeat', version: 1 })
})

test('while the store is out nothing is lost: heartbeats go on, and the badge follows when it heals', async () => {
  await using scene = new Scene({ heartbeat: 0.2 })
  const line = await scene.greeted('ada')
  scene.broken = true
  scene.change('ada', 1)
  scene.hub.wake(['user:ada'])
  await eventually(
    () => line.beats >= 4,
    () => `${line.beats} heartbeats during the outage`,
  )
  assert.ok(line.frames.every((frame) => frame.type !== 'unread'))
  assert.equal(scene.warnings.length, 1, 'an outage is logged once')
  scene.broken = false
  await expectUnread(line, 1, 4000)
})

test('a wake during a short outage is followed as soon as the store can be read, without waiting for a heartbeat', async () => {
  await using scene = new Scene()
  const lines = await Promise.all(Array.from({ length: 100 }, (_, i) => scene.greeted(`user ${i}`)))
  scene.broken = true
  for (let i = 0; i < 100; i++) scene.change(`user ${i}`, 1)
  scene.hub.wake(['everyone'])
  await eventually(
    () => scene.warnings.length === 1,
    () => 'no warning',
  )
  scene.broken = false
  for (const line of lines) await expectUnread(line, 1)
})

test('a peer that was not heard for two heartbeats is cut off', async () => {
  await using scene = new Scene({ heartbeat: 0.2 })
  const dead = await scene.greeted('ada')
  const lively = await scene.greeted('ada')
  dead.alive = false
  await eventually(
    () => dead.closed === 'cut',
    () => 'it is still held',
  )
  assert.equal(lively.closed, undefined)
})

test('a peer to whom something is told with every heartbeat is asked all the same, and stays', async () => {
  await using scene = new Scene({
    heartbeat: 0.2,
    look: async (asked) =>
      asked.map(({ user }) => {
        scene.change(user, 1)
        return scene.look(user)
      }),
  })
  const line = await scene.greeted('ada')
  line.late = true
  await eventually(
    () => line.beats >= 5 || line.closed !== undefined,
    () => `${line.beats} heartbeats`,
  )
  assert.equal(line.closed, undefined)
})

test('the silence of a peer that reads too slowly to be asked means nothing', async () => {
  let slow: Line | undefined
  await using scene = new Scene({
    heartbeat: 0.2,
    look: async (asked) => {
      // Each time it is looked at it has not read all yet, and soon it has.
      if (slow !== undefined) slow.backlog = 1
      setTimeout(() => {
        if (slow !== undefined) slow.backlog = 0
      }, 20)
      return asked.map(({ user }) => scene.look(user))
    },
  })
  slow = await scene.greeted('ada')
  const lively = await scene.greeted('bo')
  await eventually(
    () => lively.beats >= 5,
    () => `${lively.beats} heartbeats`,
  )
  assert.equal(slow.closed, undefined)
})

test('a peer that takes nothing more is closed as too slow, although it is owed no more than a heartbeat', { timeout: 30_000 }, async () => {
  await using scene = new Scene({ heartbeat: 0.2 })
  const line = await scene.greeted('ada')
  line.backlog = 1
  await eventually(
    () => line.closed !== undefined,
    () => 'it is still held',
    13_000,
  )
  assert.equal(line.closed, 4408)
})

test('nobody is taken for dead who cannot be greeted while the store is out', async () => {
  await using scene = new Scene({ heartbeat: 0.2 })
  const lively = await scene.greeted('ada')
  scene.broken = true
  const waiting = scene.join('bo')
  await eventually(
    () => lively.beats >= 4,
    () => `${lively.beats} heartbeats`,
  )
  assert.equal(waiting.closed, undefined)
  scene.broken = false
  await expectUnread(waiting, 0, 4000)
})

test('after this process stood still nobody is judged by their silence', async () => {
  await using scene = new Scene({ heartbeat: 0.4 })
  const line = await scene.greeted('ada')
  line.alive = false
  const until = performance.now() + 1200
  while (performance.now() < until);
  await eventually(
    () => line.frames.some((frame) => frame.type === 'heartbeat'),
    () => 'no heartbeat',
  )
  assert.equal(line.closed, undefined)
  line.alive = true
})

test('a connection with a backlog gets nothing, then the state of the moment it can read again', async () => {
  await using scene = new Scene()
  const slow = await scene.greeted('ada')
  const lively = await scene.greeted('ada')
  slow.backlog = 1
  for (let i = 1; i <= 5; i++) {
    scene.change('ada', i)
    scene.hub.wake(['user:ada'])
    await expectUnread(lively, i)
  }
  assert.equal(slow.frames.length, 1)
  slow.backlog = 0
  await expectUnread(slow, 5)
  assert.equal(slow.frames.length, 2)
})

test('the newest notification goes to each tab that has not seen it, however late that tab can read', async () => {
  await using scene = new Scene()
  const slow = await scene.greeted('ada')
  const lively = await scene.greeted('ada')
  slow.backlog = 1
  scene.change('ada', 1, { newest: 1, latest: NEWS })
  scene.hub.wake(['user:ada'])
  await expectUnread(lively, 1)
  scene.change('ada', 2)
  scene.hub.wake(['user:ada'])
  await expectUnread(lively, 2)
  slow.backlog = 0
  await expectUnread(slow, 2)
  const told = (line: Line) => line.frames.map((frame) => frame.type === 'unread' && frame.latest?.title)
  assert.deepEqual(told(lively), [false, 'News', undefined])
  assert.deepEqual(told(slow), [false, 'News'])
})

test('whoever cannot be told is sent away to come back, and everybody else is told', async () => {
  await using scene = new Scene()
  const [first, ada, last] = [await scene.greeted('first'), await scene.greeted('ada'), await scene.greeted('last')]
  const unspeakable = { ...NEWS, data: 1n }
  for (const user of ['first', 'ada', 'last']) scene.change(user, 1, { newest: 1, latest: user === 'ada' ? unspeakable : NEWS })
  scene.hub.wake(['everyone'])
  for (const line of [first, last]) await expectUnread(line, 1)
  assert.deepEqual([first.closed, ada.closed, last.closed], [undefined, 1013, undefined])
  assert.equal(scene.warnings.length, 1)
  const again = await scene.greeted('ada')
  await expectUnread(again, 1)
  scene.change('ada', 2)
  scene.hub.wake(['user:ada'])
  await expectUnread(again, 2)
})

test('disconnect ends the connections of a user or of a session, and those still on their way', async () => {
  await using scene = new Scene()
  const ada = await scene.greeted('ada')
  const bo = await scene.greeted('bo')
  const late = new Line(scene.hub, 'ada', 'another session')
  const asked = performance.now()
  scene.hub.disconnect({ user: 'ada', at: Date.now() })
  scene.hub.join(late, parsePerson({ id: 'ada' }, 'identify'), asked)
  assert.deepEqual([ada.closed, late.closed, bo.closed], [4401, 4401, undefined])
  const later = scene.join('ada')
  scene.hub.disconnect({ session: 'session of bo', at: Date.now() })
  assert.deepEqual([later.closed, bo.closed], [undefined, 4401])
})

test('where a session is somebody else’s now, all of it ends that is not theirs, and nothing that is, whenever each came in', async () => {
  await using scene = new Scene()
  const shared = ['ada', 'bo', 'ada'].map((user) => {
    const line = new Line(scene.hub, user, 'shared')
    scene.hub.join(line, parsePerson({ id: user }, 'identify'), performance.now())
    return line
  })
  const elsewhere = scene.join('ada')
  scene.hub.disconnect({ session: 'shared', at: Date.now() - 2, kept: 'bo' })
  assert.deepEqual(
    [...shared, elsewhere].map(({ closed }) => closed),
    [4401, undefined, 4401, undefined],
  )
})

for (const [whose, ending] of [
  ['a user', { user: 'ada' }],
  ['a session', { session: 'session of ada' }],
] as const) {
  test(`a disconnect of ${whose} that is told late ends what was asked for before it was said, and nothing later`, async () => {
    await using scene = new Scene()
    const before = scene.join('ada')
    const onItsWay = performance.now()
    const at = Date.now()
    await eventually(() => Date.now() > at + 20, 'time passes')
    const after = scene.join('ada')
    scene.hub.disconnect({ ...ending, at })
    const late = new Line(scene.hub, 'ada')
    scene.hub.join(late, parsePerson({ id: 'ada' }, 'identify'), onItsWay)
    const last = scene.join('ada')
    assert.deepEqual([before.closed, after.closed, late.closed, last.closed], [4401, undefined, 4401, undefined])
  })
}

test('a connection that was asked for in the very millisecond of a disconnect is closed', async () => {
  await using scene = new Scene()
  let line: Line | undefined
  let at = 0
  await eventually(() => {
    at = Date.now()
    line = scene.join('ada')
    return Date.now() === at
  }, 'it joined within one millisecond')
  await eventually(() => Date.now() > at + 20, 'time passes')
  scene.hub.disconnect({ user: 'ada', at })
  assert.equal(line?.closed, 4401)
})

test('a disconnect that is told twice, or after a later one, takes nothing back', async () => {
  await using scene = new Scene()
  const at = Date.now()
  await eventually(() => Date.now() > at + 20, 'time passes')
  const asked = performance.now()
  scene.hub.disconnect({ user: 'ada', at: Date.now() })
  scene.hub.disconnect({ user: 'ada', at })
  const late = new Line(scene.hub, 'ada')
  scene.hub.join(late, parsePerson({ id: 'ada' }, 'identify'), asked)
  assert.equal(late.closed, 4401)
})

test('a disconnect by a clock that was ahead ends all that is open, and nothing that comes later', async () => {
  await using scene = new Scene()
  const open = scene.join('ada')
  scene.hub.disconnect({ user: 'ada', at: Date.now() + 60_000 })
  assert.deepEqual([open.closed, scene.join('ada').closed], [4401, undefined])
})

test('a connection that was longer on its way than endings are remembered is to come again, as nobody knows whether it was ended', async () => {
  await using scene = new Scene()
  const [slow, slower] = [9000, 11_000].map((since) => {
    const line = new Line(scene.hub, 'ada')
    scene.hub.join(line, parsePerson({ id: 'ada' }, 'identify'), performance.now() - since)
    return line
  })
  assert.deepEqual([slow?.closed, slower?.closed], [undefined, 1012])
})

test('caps are per user and in all', async () => {
  await using scene = new Scene({ maxConnectionsPerUser: 2, maxConnections: 3 })
  const first = scene.join('ada')
  assert.equal(scene.hub.refusal('ada'), undefined)
  scene.join('ada')
  assert.equal(scene.hub.refusal('ada'), 'user_full')
  assert.equal(scene.hub.refusal('bo'), undefined)
  scene.join('bo')
  assert.equal(scene.hub.refusal('cy'), 'full')
  scene.hub.leave(first)
  assert.equal(scene.hub.refusal('ada'), undefined)
  assert.deepEqual(scene.hub.users(), ['ada', 'bo'])
})

test('closing tells everybody 1012, cuts off the deaf within two seconds, and refuses whoever comes later', async () => {
  const scene = new Scene()
  const ada = await scene.greeted('ada')
  const deaf = await scene.greeted('bo')
  deaf.deaf = true
  const began = performance.now()
  await scene.hub.close()
  assert.ok(performance.now() - began < 2500)
  assert.deepEqual([ada.closed, deaf.closed], [1012, 1012])
  assert.deepEqual(scene.hub.users(), [])
  assert.equal(scene.hub.refusal('cy'), 'full')
  assert.equal(scene.join('cy').closed, 1012)
})

test('nothing keeps the process once it is closed, also where somebody had to be cut off', async () => {
  const scene = new Scene()
  const deaf = await scene.greeted('ada')
  deaf.deaf = true
  await scene.hub.close()
  assert.deepEqual(
    process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout'),
    [],
  )
})

test('a thousand people are served a slice a turn, so that the loop stays free', async () => {
  await using scene = new Scene()
  const lines = Array.from({ length: 1000 }, (_, i) => scene.join(`user ${i}`))
  for (const line of lines) await expectUnread(line, 0)
  for (let i = 0; i < 1000; i++) scene.change(`user ${i}`, 1)
  scene.readings.length = 0
  scene.hub.wake(['everyone'])
  for (const line of lines) await expectUnread(line, 1)
  assert.ok(scene.readings.every((users) => users.length <= 32))
  assert.equal(scene.readings.flat().length, 1000)
})

test('where others take long in each turn of the loop, many are told in fewer turns', async () => {
  await using scene = new Scene({ maxConnections: 10_000 })
  const lines = Array.from({ length: 4000 }, (_, i) => scene.join(`user ${i}`))
  for (const line of lines) await expectUnread(line, 0)
  for (let i = 0; i < 4000; i++) scene.change(`user ${i}`, 1)
  const disk = new Int32Array(new SharedArrayBuffer(4))
  let turns = 0
  const commit = () => {
    if (lines.at(-1)?.frames.length === 2) return
    turns++
    Atomics.wait(disk, 0, 0, 16)
    setImmediate(commit)
  }
  setImmediate(commit)
  scene.hub.wake(['everyone'])
  for (const line of lines) await expectUnread(line, 1, 10_000)
  assert.ok(turns < 100, `4,000 were told in ${turns} turns`)
  assert.ok(scene.readings.every((users) => users.length <= 32))
})
