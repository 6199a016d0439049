/** Fetches a script of ours that only few pages need, from beside the one that asks. */
export function besides(name: string): Promise<unknown> {
  return import(new URL(`${name}.js`, import.meta.url).href)
}
