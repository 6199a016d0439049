/** What is wrong where something was not done: it may work another time, or it never will. */
export type Trouble = 'failed' | 'gone' | 'signedOut'

/** Changes on their way to the server, one after the other for each notification. */
export interface Pending {
  /** Whether something about it is still on its way. */
  has(id: string): boolean
  /**
   * Runs `send` after what is under way for this id. Where it failed, `undo` when nothing newer is under way for the id; where that failed, too, after its own.
   * Says what is wrong, if anything.
   */
  run(id: string, send: () => Promise<void>, undo: () => void): Promise<Trouble | undefined>
}

export function createPending(): Pending {
  /** By id; each gives what takes it back, and all before it that failed, where it failed itself. */
  const last = new Map<string, Promise<(() => void) | undefined>>()
  return {
    has: (id) => last.has(id),
    async run(id, send, undo) {
      let trouble: Trouble | undefined
      const mine = Promise.resolve(last.get(id)).then(async (before) => {
        trouble = (await send().catch(troubleOf)) as Trouble | undefined
        if (!trouble) return
        return () => {
          undo()
          before?.()
        }
      })
      last.set(id, mine)
      const takeBack = await mine
      if (last.get(id) === mine) {
        last.delete(id)
        takeBack?.()
      }
      return trouble
    },
  }
}

function troubleOf({ status }: { status?: number }): Trouble {
  return status === 404 ? 'gone' : status === 401 ? 'signedOut' : 'failed'
}
