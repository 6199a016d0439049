/**
 * Loaded into a server's process before the server: tells it to say, whenever it is asked by a message, what its event loop and its memory
 * went through since it was asked before.
 *
 * A machine that is busy or paused must not pass for a loop that is held. So of the time between two beats of the loop that part is taken off in which its
 * thread was ready and got no processor (Linux counts that), and what is left counts only while another thread of the process, which does nothing
 * but look at the clock, could run: where all stands still, it is not our doing. What is left is work and waiting inside a call, such as SQLite's for a lock.
 */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Strain } from './server.js'

/** In milliseconds: how often the loop beats, and the witness looks. */
const EVERY = 5
/** At most so much time, in milliseconds, is believed for one look of the witness. */
const BELIEVED = 20

const looks = new Int32Array(new SharedArrayBuffer(4))
const witness = new Worker(`setInterval(() => Atomics.add(require('node:worker_threads').workerData, 0, 1), ${EVERY})`, {
  eval: true,
  execArgv: [],
  workerData: looks,
})
witness.unref()

/** For how long the main thread has waited for a processor, in milliseconds; 0 where the system doesn't say. */
function queued(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

const now = () => ({ at: performance.now(), queued: queued(), looks: Atomics.load(looks, 0) })
const rss = () => process.memoryUsage.rss() / 2 ** 20

let last = now()
let held = 0
let [before, most] = [rss(), 0]

function beat(): void {
  const next = now()
  const own = next.at - last.at - (next.queued - last.queued)
  held = Math.max(held, Math.min(own, (next.looks - last.looks + 1) * BELIEVED))
  most = Math.max(most, rss())
  last = next
}
setInterval(beat, EVERY).unref()

process.on('message', () => {
  beat()
  process.send?.({ held, grown: most - before } satisfies Strain)
  held = 0
  before = rss()
  most = before
})
process.channel?.unref()
