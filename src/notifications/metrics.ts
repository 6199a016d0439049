import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What is counted while the plugin runs; without a registry of the host's nothing is. */
export interface Metrics {
  /** A connection came (+1) or went (-1). */
  connections(change: 1 | -1): void
  /** One frame with a new state went to one connection, `seconds` after the hub first heard of the change. */
  pushed(seconds: number): void
  /** An upgrade or a stream was refused. */
  refused(reason: RefusalReason): void
  /** One operation of the store took this long. */
  stored(seconds: number): void
  /** The database failed an operation: it stayed locked, or could not be read or written. */
  failed(operation: StoreOperation): void
  /** Nothing more is counted: the registry is free for another instance. */
  close(): void
}

const REFUSAL_REASONS = ['origin', 'session', 'user_full', 'full', 'unavailable', 'protocol'] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

const STORE_OPERATIONS = ['read', 'write'] as const
type StoreOperation = (typeof STORE_OPERATIONS)[number]

export const noMetrics: Metrics = { connections() {}, pushed() {}, refused() {}, stored() {}, failed() {}, close() {} }

const NAMES = [
  'belfry_connections',
  'belfry_pushes_total',
  'belfry_push_seconds',
  'belfry_upgrades_refused_total',
  'belfry_store_seconds',
  'belfry_store_failures_total',
] as const

/** Registers Belfry's metrics with the host's registry. */
export function registerMetrics(registry: Registry): Metrics {
  const registers = [registry]
  const connections = new Gauge({ name: NAMES[0], help: 'Live connections: sockets and event streams.', registers })
  const pushes = new Counter({ name: NAMES[1], help: 'Frames with a new state that were sent.', registers })
  const buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
  const push = new Histogram({ name: NAMES[2], help: 'From hearing of a change to the frame that tells it.', buckets, registers })
  const refusals = new Counter({
    name: NAMES[3],
    help: 'Live connections that were refused.',
    labelNames: ['reason'],
    registers,
  })
  // Named from the start, here and below, so that the first of a kind shows as a rise and not as a new line.
  for (const reason of REFUSAL_REASONS) refusals.inc({ reason }, 0)
  const store = new Histogram({ name: NAMES[4], help: 'Operations of the store, waiting for locks included.', buckets, registers })
  const failures = new Counter({ name: NAMES[5], help: 'Operations that the database failed.', labelNames: ['operation'], registers })
  for (const operation of STORE_OPERATIONS) failures.inc({ operation }, 0)
  return {
    connections: (change) => connections.inc(change),
    pushed(seconds) {
      pushes.inc()
      push.observe(seconds)
    },
    refused: (reason) => refusals.inc({ reason }),
    stored: (seconds) => store.observe(seconds),
    failed: (operation) => failures.inc({ operation }),
    close() {
      for (const name of NAMES) registry.removeSingleMetric(name)
    },
  }
}
