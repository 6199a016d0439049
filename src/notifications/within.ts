import { UnavailableError } from './errors.js'

/** A timer that fires later than this has waited for an event loop that stood still, in milliseconds. */
const STOOD_STILL = 50

/**
 * The same promise, but not for longer: after `ms` milliseconds an UnavailableError that says `late`. While the event loop stands still nothing can
 * answer, so that time does not count.
 */
export async function within<T>(ms: number, promise: Promise<T>, late: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_resolve, reject) => {
    const wait = (left: number) => {
      const due = performance.now() + left
      const fire = () => {
        const stood = performance.now() - due
        if (stood > STOOD_STILL) wait(stood)
        else reject(new UnavailableError(late))
      }
      timer = setTimeout(fire, left).unref()
    }
    wait(ms)
  })
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
