import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits until a condition holds; fails after `within` milliseconds.
 * @param what should have come true, or how things stand instead
 */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string | (() => string), within = 5000): Promise<void> {
  const deadline = performance.now() + within
  while (!(await condition())) {
    if (performance.now() > deadline) assert.fail(`not within ${within} ms: ${typeof what === 'string' ? what : what()}`)
    await pause(5)
  }
}
