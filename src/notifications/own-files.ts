import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OptionError } from './errors.js'

// The door imports this before anything else: what reads those files looks for them as soon as it is loaded, and then fails without saying why.
if (!areThere())
  throw new OptionError(
    'Belfry does not find its own files beside its code. If your server is bundled, leave belfry out of the bundle, as an external package.',
  )

/** A bundler takes the code along and leaves behind what the code reads; made into CommonJS, it does not even know where it is. */
function areThere(): boolean {
  try {
    return existsSync(fileURLToPath(new URL('../../migrations/notifications/sqlite/', import.meta.url)))
  } catch {
    return false
  }
}
