/** So many go through in one turn of the event loop: some 2 ms. */
const AT_ONCE = 16

/**
 * Lets through those who come together a few a turn, in their order: a thousand who come back at once after an outage would otherwise all be served
 * in the turn that finds them, and every other request of the app would wait for that.
 */
export class Turnstile<Comer> {
  readonly #admit: (comer: Comer) => void
  readonly #waiting: Comer[] = []
  /** How many went through in this turn. */
  #through = 0

  constructor(admit: (comer: Comer) => void) {
    this.#admit = admit
  }

  pass(comer: Comer): void {
    if (this.#through < AT_ONCE) this.#let(comer)
    else this.#waiting.push(comer)
  }

  #let(comer: Comer): void {
    if (this.#through++ === 0) setImmediate(() => this.#turn())
    this.#admit(comer)
  }

  /** All of a turn's share are let in before anybody else can arrive, so nobody overtakes. */
  #turn(): void {
    this.#through = 0
    for (const comer of this.#waiting.splice(0, AT_ONCE)) this.#let(comer)
  }
}
