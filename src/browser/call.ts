import type { Item } from '../notifications/protocol.js'
import type { Client } from './core.js'
import { preferences } from './preferences.js'
import { senderOf } from './rows.js'

/** Several bells of a page call about the same within the same moment; in milliseconds. */
const MOMENT = 100
let calling = ''

/** Calls somebody who looks at no tab, in the ways that they asked for: about one, or in these words about several. Only the tab that leads does, so it happens once. */
export async function call({ base, leads, looked }: Client, words: string, one?: Item): Promise<void> {
  const what = one?.id ?? words
  if (!leads() || what === calling) return
  calling = what
  setTimeout(() => {
    calling = ''
  }, MOMENT)
  if (await looked()) return
  const { desktop, sound } = preferences()
  if (sound) ring()
  if (!desktop || Notification.permission !== 'granted') return
  const shown = one ? new Notification(one.title, { body: wordsOf(one), tag: one.id }) : new Notification(words)
  shown.onclick = () => {
    window.focus()
    location.assign(one ? `${base}/${encodeURIComponent(one.id)}` : base)
  }
}

/** What it says, below who says it. */
function wordsOf({ data, body }: Item): string {
  return [senderOf(data), body].filter(Boolean).join('\n')
}

/** Two soft strokes of a bell. A browser that wants a click before it makes any sound makes none. */
export function ring(): void {
  const audio = new AudioContext()
  const end = audio.currentTime + 1
  for (const [at, pitch] of [
    [0, 880],
    [0.15, 1174],
  ] as const) {
    const tone = new OscillatorNode(audio, { frequency: pitch })
    const volume = new GainNode(audio, { gain: 0.15 })
    volume.gain.exponentialRampToValueAtTime(0.001, end)
    tone.connect(volume).connect(audio.destination)
    tone.start(audio.currentTime + at)
    tone.stop(end)
  }
  setTimeout(() => audio.close().catch(() => {}), 1500)
}
