import { asset, versionOf } from './view.js'

const BUILT = '/build/compose.js'

/** For `<head>` of pages with a form that counts as one types; '' where the script was not built, for the form works without. */
export function composeScript(): string {
  return versionOf(BUILT) === '' ? '' : `<script type="module" src="${asset(BUILT)}"></script>`
}
