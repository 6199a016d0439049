import type { NotificationBell } from './bell.js'
import { bellOf, enliven } from './own-bell.js'

/** Changes come in bursts: whether it is still there is asked at most this often, in milliseconds. */
const ASK_EVERY = 1000

enliven('[data-belfry-item]', async (root, signal) => {
  const bell = await bellOf(root)
  for (const time of root.querySelectorAll('time')) tellExactly(time, bell)
  watch(root, bell, signal)
  await visit(root, bell)
})

/** A page that was fetched ahead was no visit, and says unread: it is one as soon as somebody sees it. */
async function visit(root: HTMLElement, { client }: NotificationBell): Promise<void> {
  const { state, notificationId = '' } = root.dataset
  if (state !== 'unread') return
  if (document.hidden) await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }))
  // Not loaded again before that: where nothing can be written, it would be without end.
  await client
    .mark(notificationId, 'read')
    .then(() => root.isConnected && location.reload())
    .catch(() => {})
}

/** The server knows neither the zone nor the words of whoever reads. */
function tellExactly(time: HTMLTimeElement, { clock, language }: NotificationBell): void {
  clock.show(time, false)
  time.lang = language
  time.textContent = time.title
}

/** Looks after every change whether the notification that is shown is still there, and says so when it is not; a page that nobody sees waits until somebody does. */
function watch(root: HTMLElement, bell: NotificationBell, signal: AbortSignal): void {
  const { client, dataset } = bell
  let known = `${dataset.epoch} ${dataset.version}`
  let resting = false
  const look = async () => {
    const { state, connection } = client.getSnapshot()
    const now = `${state?.epoch} ${state?.version}`
    if (resting || !root.isConnected || document.hidden || now === known || !['live', 'polling'].includes(connection)) return
    resting = true
    const status = await statusOf(root, bell)
    if (status === 404) return showGone(root, bell)
    if (status) known = now
    setTimeout(() => {
      resting = false
      void look()
    }, ASK_EVERY)
  }
  addEventListener('visibilitychange', look, { signal })
  signal.onabort = client.subscribe(look)
  void look()
}

/** Asks as no visit does, which would mark it as read; 0 where there was no answer. */
async function statusOf({ dataset }: HTMLElement, { client }: NotificationBell): Promise<number> {
  const address = `${client.base}/${encodeURIComponent(dataset.notificationId ?? '')}`
  const init = { method: 'HEAD', headers: { accept: 'application/json' }, cache: 'no-store', redirect: 'error' } as const
  const answer = await fetch(`${address}?${new URLSearchParams({ 'belfry-for': dataset.user ?? '' })}`, init).catch(() => undefined)
  return answer?.status ?? 0
}

/** What was taken back is no more to be read; its title says what it was. */
function showGone(root: HTMLElement, bell: NotificationBell): void {
  const { kit, say } = bell
  const title = root.querySelector('h1')?.textContent ?? ''
  const words = kit.h('h1', { tabindex: '-1' }, say('gone', 0, ''), kit.h('bdi', {}, title))
  const hadFocus = root.matches(':focus-within')
  for (const part of root.querySelectorAll(':scope > :not(.belfry-back, notification-bell)')) part.remove()
  root.querySelector('.belfry-back')?.after(words)
  if (hadFocus && !root.matches(':focus-within')) words.focus()
  bell.announce(say('gone', 0, title))
}
