import { UnavailableError } from './errors.js'
import { type Identity, type Person, parsePerson } from './person.js'
import { Recent } from './recent.js'
import type { Freshness, Snapshot, Store } from './store/store.js'
import { within } from './within.js'

/** The host's option of this name. */
export type TopicsOf = ((user: string) => Identity | null | Promise<Identity | null>) | undefined

/** How long `topicsOf` may take, in milliseconds. */
const TOPICS_WITHIN = 5000

/** How long a visit waits for changed memberships to be recorded, in milliseconds: longer only while the database is locked. */
const RECORDED_WITHIN = 400

/** Of how many people it is known when the host was asked: those whose memberships changed last. */
const KEPT = 20_000

interface Recording {
  /** When the host was asked, by performance.now(). */
  readonly askedAt: number
  readonly done: Promise<void>
}

/** Who is in which topics, by what the host says of it: a change is recorded before anything is read with it. */
export class Memberships {
  readonly #store: Store
  readonly #topicsOf: TopicsOf
  /** The last of each user. */
  readonly #recordings = new Recent<string, Recording>(KEPT)

  constructor(store: Store, topicsOf: TopicsOf) {
    this.#store = store
    this.#topicsOf = topicsOf
  }

  /** Of a user by id: with the memberships that `topicsOf` gives, or those that were last seen. */
  async snapshot(user: string): Promise<Snapshot> {
    await this.recheck(user)
    return this.#store.snapshot(user)
  }

  /**
   * Of somebody who visits, and is not to wait for a lock: where changed memberships cannot be recorded now, those that were recorded last hold, and
   * they are told of the others as soon as those are.
   * @param since when the host was asked who it is, by performance.now()
   */
  async ofVisitor(person: Person, since: number, asOf?: Freshness): Promise<{ snapshot: Snapshot; recorded: boolean }> {
    const { id, key } = person
    const snapshot = await this.#store.snapshot(id, asOf)
    if (snapshot.membership === key) return { snapshot, recorded: true }
    const recorded = await within(RECORDED_WITHIN, this.#record(person, since), 'The memberships could not be recorded in time.').then(
      () => true,
      falseIfOut,
    )
    return { snapshot: await this.#store.snapshot(id), recorded }
  }

  /** Asks the host for the memberships of a user again, where it offers `topicsOf`, and records them. */
  async recheck(user: string): Promise<void> {
    if (this.#topicsOf === undefined) return
    const since = performance.now()
    const person = await this.#ask(user, this.#topicsOf)
    const { membership } = await this.#store.snapshot(user)
    if (membership !== person.key) await this.#record(person, since)
  }

  /** Who an absent user is to the host; of those whom it does not know, somebody without topics. Throws UnavailableError where it does not answer in time. */
  async #ask(user: string, topicsOf: NonNullable<TopicsOf>): Promise<Person> {
    const answer = Promise.resolve(topicsOf(user))
    const identity = (await within(TOPICS_WITHIN, answer, 'The host did not say in time what topics they are in.')) ?? { id: user }
    return parsePerson({ ...identity, id: user }, 'topicsOf')
  }

  /** Hosts may take their time: what they were asked later holds, whichever they answer first. */
  #record(person: Person, since: number): Promise<void> {
    const last = this.#recordings.get(person.id)
    if (last !== undefined && last.askedAt > since) return last.done
    const done = this.#store.remember(person)
    this.#recordings.set(person.id, { askedAt: since, done })
    return done
  }
}

function falseIfOut(error: unknown): false {
  if (!(error instanceof UnavailableError)) throw error
  return false
}
