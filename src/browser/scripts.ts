const again: Record<string, string> = {}

/**
 * Fetches a script of ours that only few pages need, from beside the one that asks. What could not be fetched is asked for under another
 * address the next time: for Firefox an address that had nothing once has nothing for as long as the page lives.
 */
export function besides(name: string): Promise<unknown> {
  const address = `./${name}.js${again[name] ?? ''}`
  return import(address).catch((error) => {
    again[name] = `?${Date.now()}`
    throw error
  })
}
