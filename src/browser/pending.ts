/** Changes on their way to the server, one after the other for each notification. */
export interface Pending {
  /** Whether something about it is still on its way. */
  has(id: string): boolean
  /** Runs `send` after what is under way for this id; `undo` when it failed and nothing newer was begun for the id. */
  run(id: string, send: () => Promise<void>, undo: () => void): Promise<boolean>
}

export function createPending(): Pending {
  const last = new Map<string, Promise<unknown>>()
  return {
    has: (id) => last.has(id),
    async run(id, send, undo) {
      const mine = (last.get(id) ?? Promise.resolve()).then(send)
      const settled = mine.catch(() => {})
      last.set(id, settled)
      try {
        await mine
        return true
      } catch {
        if (last.get(id) === settled) undo()
        return false
      } finally {
        if (last.get(id) === settled) last.delete(id)
      }
    },
  }
}
