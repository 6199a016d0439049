/** What is wrong where something was not done: it may work another time, or it never will. */
export type Trouble = 'failed' | 'gone' | 'signedOut'

/** Changes on their way to the server, one after the other for each notification. */
export interface Pending {
  /** Whether something about it is still on its way. */
  has(id: string): boolean
  /** Runs `send` after what is under way for this id; `undo` when it failed and nothing newer was begun for the id. Says what is wrong, if anything. */
  run(id: string, send: () => Promise<void>, undo: () => void): Promise<Trouble | undefined>
}

export function createPending(): Pending {
  const last = new Map<string, Promise<Trouble | undefined>>()
  return {
    has: (id) => last.has(id),
    async run(id, send, undo) {
      const mine = Promise.resolve(last.get(id)).then(send).catch(troubleOf) as Promise<Trouble | undefined>
      last.set(id, mine)
      const trouble = await mine
      if (last.get(id) !== mine) return trouble
      last.delete(id)
      if (trouble) undo()
      return trouble
    },
  }
}

function troubleOf({ status }: { status?: number }): Trouble {
  return status === 404 ? 'gone' : status === 401 ? 'signedOut' : 'failed'
}
