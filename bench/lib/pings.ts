import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Answers, request, requestsFile, startRequests } from './load.js'
import type { Program } from './processes.js'

/** In nanoseconds of the monotonic clock. */
export type Window = readonly [began: number, ended: number]

/** Microseconds between two. */
const EVERY = 1000

/** A GET /ping of the host's, due every millisecond, whether or not those before it were answered. */
export class Pings implements AsyncDisposable {
  readonly #program: Program
  readonly #samples: string

  private constructor(program: Program, samples: string) {
    this.#program = program
    this.#samples = samples
  }

  static async start(port: number, folder: string): Promise<Pings> {
    const file = join(folder, 'ping')
    const samples = join(folder, 'ping-samples')
    writeFileSync(file, requestsFile([request('GET', '/ping', {})]))
    const pings = new Pings(startRequests(port, file, { connections: 500, seconds: 3600, every: EVERY, samples }), samples)
    await new Promise((resolve) => setTimeout(resolve, 500))
    return pings
  }

  async stop(): Promise<void> {
    await this.#program.ask<Answers>('stop')
  }

  /** After `stop`: of those that were due in one of the windows, how long each took since then and how late it was sent, in milliseconds. */
  within(windows: readonly Window[]): { readonly latencies: readonly number[]; readonly late: readonly number[] } {
    const numbers = new BigUint64Array(new Uint8Array(readFileSync(this.#samples)).buffer)
    const latencies: number[] = []
    const late: number[] = []
    for (let i = 0; i < numbers.length; i += 3) {
      const due = Number(numbers[i])
      if (!windows.some(([began, ended]) => due >= began && due <= ended)) continue
      latencies.push(Number(numbers[i + 1]) / 1e6)
      late.push(Number(numbers[i + 2]) / 1e6)
    }
    return { latencies, late }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]()
  }
}
