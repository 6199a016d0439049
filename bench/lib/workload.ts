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

/** Something that should hold, with what was measured. */
export interface Judgement {
  readonly what: string
  readonly measured: Ratio
  readonly unit: string
  readonly goal: { readonly atMost: number } | { readonly atLeast: number }
  /** A figure of small runs, or of one machine, guards nothing: it is only told. */
  readonly guarded: boolean
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
export function ratioTo(results: Results, measure: string, peer: string, what: string, goal: Judgement['goal'], mine = 'belfry'): Judgement[] {
  if (!results.has(peer)) return []
  return [{ what, measured: results.ratio(measure, mine, peer), unit: '×', goal, guarded: true }]
}

/** A figure of Belfry's own against a bound. */
export function figure(results: Results, measure: string, what: string, unit: string, goal: Judgement['goal'], name = 'belfry'): Judgement {
  return { what, measured: results.spread(name, measure), unit, goal, guarded: false }
}

export function met({ measured, goal }: Judgement, margin = 1): boolean {
  return 'atMost' in goal ? measured.value <= goal.atMost * margin : measured.value >= goal.atLeast / margin
}
