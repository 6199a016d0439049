/** What somebody chose for this browser. */
export interface Preferences {
  /** Notifications of the desktop while no tab is looked at. */
  readonly desktop: boolean
  readonly sound: boolean
  /** Single keys in the inbox. */
  readonly keys: boolean
}

const KEY = 'belfry'
const UNLESS_CHOSEN: Preferences = { desktop: false, sound: false, keys: true }

export function preferences(): Preferences {
  try {
    return { ...UNLESS_CHOSEN, ...JSON.parse(String(localStorage.getItem(KEY))) }
  } catch {
    return UNLESS_CHOSEN
  }
}

/** Keeps what was chosen. */
export function prefer(choice: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(choice))
  } catch {
    // Storage may be forbidden or full: then the choice holds for nothing, and nothing breaks.
  }
}
