import { button, h, place, write } from './dom.js'
import { position } from './list.js'
import { createPending } from './pending.js'
import { preferences } from './preferences.js'
import { showState } from './rows.js'
import { besides } from './scripts.js'

/** What the script of the inbox shares with the bell's, so that a page carries it once. */
export const kit = { besides, button, h, place, position, createPending, preferences, showState, write }
