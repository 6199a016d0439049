import { asset, versionOf } from './view.js'

const BUILT = '/build/compose.js'

/**
 * For `<head>` of pages with a form to write on, and of those that may come after it: what was typed is kept until it was sent, or somebody else signs in.
 * '' where the script was not built, for the form works without.
 */
export function composeScript(): string {
  return versionOf(BUILT) === '' ? '' : `<script type="module" src="${asset(BUILT)}"></script>`
}
