import { readFileSync } from 'node:fs'

/** Which version of Belfry this is. */
export function belfryVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
