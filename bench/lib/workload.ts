import type { Ratio, Results } from './contest.js'
import type { People } from './people.js'

export interface Bench {
  /** A small run that only guards the ratios. */
  readonly quick: boolean
  /** How often every contestant takes its turn. */
  readonly rounds: number
  /** Users of the largest database. */
  readonly users: number
  /** A folder of this workload's own, which is removed afterwards. */
  readonly folder: string
  /** Users 1 to `count`, signed in. */
  people(count: number): People
}

export type Bound = { readonly atMost: number } | { readonly atLeast: number }

/** Something that should hold, or without a goal only is to be seen, with what was measured. */
export interface Judgement {
  readonly what: string
  readonly measured: Ratio
  readonly unit: string
  readonly goal?: Bound | undefined
  /** What the quick run must not miss on any machine: about half as good as it was there when this was written. What depends on the machine has none. */
  readonly guard?: Bound | undefined
}

/** A column of the table that tells what each contestant was measured at. */
export interface Column {
  readonly measure: string
  readonly title: string
}

export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[]
}

export interface Outcome {
  readonly results: Results
  readonly columns: readonly Column[]
  readonly judgements: readonly Judgement[]
  readonly plots?: readonly Plot[]
}

export interface Workload {
  readonly name: string
  readonly title: string
  /** What is done and measured, in a sentence or two for readers of the report. */
  readonly about: string
  run(bench: Bench): Promise<Outcome>
}

/** Belfry against a peer: how many times the peer's figure may Belfry's be at most, or must it be at least. */
export function ratioTo(results: Results, measure: string, peer: string, what: string, goal?: Bound, guard?: Bound, mine = 'belfry'): Judgement[] {
  if (!results.has(peer) || !results.has(mine)) return []
  return [{ what, measured: results.ratio(measure, mine, peer), unit: '×', goal, guard }]
}

/** The same without a goal. */
export function comparedTo(results: Results, measure: string, peer: string, what: string, mine = 'belfry'): Judgement[] {
  return ratioTo(results, measure, peer, what, undefined, undefined, mine)
}

/** A figure of Belfry's own against a bound. */
export function figure(results: Results, measure: string, what: string, unit: string, goal: Bound, guard?: Bound): Judgement {
  return { what, measured: results.spread('belfry', measure), unit, goal, guard }
}

export function within({ value }: Ratio, bound: Bound): boolean {
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast
}
