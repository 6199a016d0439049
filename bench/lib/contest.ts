export type Sample = Readonly<Record<string, number>>

export interface Ratio {
  readonly value: number
  /** Least and most of the rounds. */
  readonly low: number
  readonly high: number
}

/** Every contestant once a round, in turns, so that a machine that gets slower does so for all of them; each round begins with the next of them, so that none is always first. */
export async function contest<Contestant>(
  rounds: number,
  contestants: Readonly<Record<string, Contestant>>,
  measure: (contestant: Contestant, name: string) => Promise<Sample>,
): Promise<Results> {
  const all = Object.entries(contestants).map(([name, contestant]) => ({ name, contestant, samples: [] as Sample[] }))
  for (let round = 0; round < rounds; round++) {
    const first = round % all.length
    for (const { name, contestant, samples } of [...all.slice(first), ...all.slice(0, first)]) samples.push(await measure(contestant, name))
  }
  return new Results(Object.fromEntries(all.map(({ name, samples }) => [name, samples])))
}

/** What was measured: of each contestant one sample a round. */
export class Results {
  readonly samples: Readonly<Record<string, readonly Sample[]>>

  constructor(samples: Readonly<Record<string, readonly Sample[]>>) {
    this.samples = samples
  }

  has(name: string): boolean {
    return this.samples[name] !== undefined
  }

  values(name: string, measure: string): number[] {
    return (this.samples[name] ?? []).map((sample) => sample[measure]).filter((value) => value !== undefined)
  }

  median(name: string, measure: string): number {
    return quantile(this.values(name, measure), 0.5)
  }

  /** How many times the other's median the one's is. */
  ratio(measure: string, name: string, peer: string): Ratio {
    const mine = this.values(name, measure)
    const theirs = this.values(peer, measure)
    const rounds = mine.map((value, round) => value / (theirs[round] ?? Number.NaN))
    return { value: quantile(mine, 0.5) / quantile(theirs, 0.5), low: Math.min(...rounds), high: Math.max(...rounds) }
  }

  /** The median, with the least and the most of the rounds. */
  spread(name: string, measure: string): Ratio {
    const values = this.values(name, measure)
    return { value: quantile(values, 0.5), low: Math.min(...values), high: Math.max(...values) }
  }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? below
  return below + (above - below) * (at - Math.floor(at))
}
