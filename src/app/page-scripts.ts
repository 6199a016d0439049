import { asset, versionOf } from './files.js'

/**
 * For `<head>` of pages with a form to write on, and of those that may come after it: what was typed is kept until it was sent, or somebody else signs in.
 */
export const composeScript = (): string => script('/build/compose.js')

/** For `<head>` of pages with times on the server's clock: they are told on that of whoever reads. */
export const clockScript = (): string => script('/build/clock.js')

/** '' where the script was not built, for all pages work without. */
function script(built: string): string {
  return versionOf(built) === '' ? '' : `<script type="module" src="${asset(built)}"></script>`
}
