import { setImmediate as nextTurn } from 'node:timers/promises'

/** How long one transaction works before it is committed and the rest waits for the next, in milliseconds: about as long as its commit may take. */
export const PORTION = 4

export interface Portion<Place> {
  /** What the portion came to. */
  readonly count: number
  /** Where the next one begins; null at the end. */
  readonly next: Place | null
}

/** Does one portion after the other from the first place on, each in a turn of its own; returns what they came to. */
export async function portions<Place>(first: Place, portion: (from: Place) => Promise<Portion<Place>>): Promise<number> {
  let sum = 0
  for (let from: Place | null = first; from !== null; ) {
    const { count, next }: Portion<Place> = await portion(from)
    sum += count
    from = next
    await nextTurn()
  }
  return sum
}
