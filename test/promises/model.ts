import assert from 'node:assert/strict'

export type Audience = 'everyone' | { readonly user: string } | { readonly users: readonly string[] } | { readonly role: string }
type ItemState = 'unread' | 'read' | 'archived'

interface Note {
  readonly id: string
  readonly audience: Audience
  readonly publishedAt: number
  title: string
  live: boolean
  deleted: boolean
}

interface Somebody {
  readonly id: string
  readonly joinedAt: number
  role: string
  roleSince: number
  readonly states: Map<string, ItemState>
}

/** What people should see, as simply as it can be said: no counters, no positions, everything looked at each time. */
export class Model {
  readonly notes: Note[] = []
  readonly #people = new Map<string, Somebody>()
  #clock = 0

  join(name: string, id: string, role: string): void {
    const now = ++this.#clock
    this.#people.set(name, { id, joinedAt: now, role, roleSince: now, states: new Map() })
  }

  changeRole(name: string, role: string): void {
    Object.assign(this.person(name), { role, roleSince: ++this.#clock })
  }

  publish(id: string, audience: Audience, title: string): void {
    assert.notEqual(id, '')
    this.notes.push({ id, audience, title, publishedAt: ++this.#clock, live: true, deleted: false })
  }

  person(name: string): Somebody {
    const somebody = this.#people.get(name)
    assert.ok(somebody)
    return somebody
  }

  /** Newest first, archived ones included. */
  inbox(name: string): { id: string; title: string; state: ItemState }[] {
    const person = this.person(name)
    return this.notes
      .filter((note) => note.live && this.#has(name, person, note))
      .map(({ id, title }) => ({ id, title, state: person.states.get(id) ?? ('unread' as const) }))
      .toReversed()
  }

  /** Returns the status that the request should get. */
  mark(name: string, id: string, action: 'read' | 'unread' | 'archive' | 'unarchive'): number {
    const { states } = this.person(name)
    const archived = states.get(id) === 'archived'
    if (action === 'unread' && archived) return 422
    if (action === 'archive') states.set(id, 'archived')
    else if (action === 'unarchive' && archived) states.set(id, 'read')
    else if (!archived && action !== 'unarchive') states.set(id, action)
    return 200
  }

  markAll(name: string, upTo: string): void {
    const shown = this.inbox(name)
    const { states } = this.person(name)
    for (const { id, state } of shown.slice(shown.findIndex((note) => note.id === upTo))) {
      if (state === 'unread') states.set(id, 'read')
    }
  }

  #has(name: string, person: Somebody, { audience, publishedAt }: Note): boolean {
    if (audience === 'everyone') return person.joinedAt < publishedAt
    if ('user' in audience) return audience.user === name
    if ('users' in audience) return audience.users.includes(name)
    return audience.role === person.role && person.roleSince < publishedAt
  }
}
