import type { ListQuery } from '../cursors.js'
import type { Item, ItemState, Level } from '../protocol.js'
import type { ItemPage } from '../service.js'
import { safeUrl } from '../values.js'

/** A notification in words, for templates; every string is text and gets escaped there. */
interface ItemView {
  readonly id: string
  readonly cursor: string
  readonly state: string
  readonly title: string
  readonly body: string
  readonly level: Level
  /** '' for info, which goes without saying. */
  readonly levelWord: string
  readonly from: string
  readonly category: string
  readonly categoryHref: string
  readonly href: string
  readonly at: string
  readonly time: string
  readonly day: string
  readonly dayWords: string
  /** All of them; which are shown follows from the state, also when that changes later. */
  readonly actions: readonly Action[]
}

interface Action {
  readonly action: string
  readonly words: string
  readonly from: readonly ItemState[]
}

const LEVEL_WORDS: Readonly<Record<Level, string>> = { info: '', success: 'Success', warning: 'Warning', error: 'Error' }
const STATE_WORDS = { unread: 'Unread', read: 'Read', archived: 'Archived' } as const

/** What can be done with one, by the states in which it makes sense. */
const ACTIONS: readonly Action[] = [
  { action: 'read', words: 'Mark as read', from: ['unread'] },
  { action: 'unread', words: 'Mark as unread', from: ['read'] },
  { action: 'archive', words: 'Archive', from: ['unread', 'read'] },
  { action: 'unarchive', words: 'Move to inbox', from: ['archived'] },
]

const dayOfYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

/** Everything that the inbox template shows. */
export function inboxView(basePath: string, query: ListQuery, page: ItemPage) {
  const filter = query.filter ?? 'all'
  const category = query.category ?? ''
  const href = (changed: Record<string, string>) => inboxHref(basePath, { filter, category, ...changed })
  const backwards = query.after !== undefined
  const newestFirst = backwards ? page.items.toReversed() : page.items
  const atTop = query.before === undefined && !backwards
  return {
    basePath,
    unread: page.unread,
    filter,
    category,
    rows: newestFirst.map((item) => rowView(basePath, item)),
    newest: newestFirst[0]?.cursor ?? '',
    atTop,
    // From any other place, what it marks is not what is seen.
    readAll: atTop && filter !== 'archived' && category === '',
    filters: (['all', 'unread', 'archived'] as const).map((key) => ({ key, href: href({ filter: key }), current: key === filter })),
    withoutCategory: href({ category: '' }),
    top: href({}),
    older: olderHref(href, page, newestFirst, backwards),
    empty: EMPTY[filter],
    emptyRow: EMPTY_ROW,
  }
}

/** Everything that a short list on a page of the host's shows. */
export function listView(basePath: string, query: ListQuery, page: ItemPage) {
  return { basePath, rows: page.items.map((item) => rowView(basePath, item)), empty: EMPTY[query.filter ?? 'all'] }
}

/** Everything that the page of one notification shows. */
export function itemView(basePath: string, item: Item) {
  const url = safeUrl(item.url)
  return {
    basePath,
    ...rowView(basePath, item),
    stateWord: STATE_WORDS[item.state],
    actions: ACTIONS.filter(({ from }) => from.includes(item.state)),
    when: moment(item.createdAt),
    expiresAt: item.expiresAt,
    expires: item.expiresAt === null ? '' : moment(item.expiresAt),
    url,
    open: url === null ? '' : url.startsWith('/') ? 'Open the page' : `Open ${new URL(url).host}`,
  }
}

/** An empty row, for the client to clone. */
const EMPTY_ROW: ItemView = {
  id: '',
  cursor: '',
  state: 'unread',
  title: '',
  body: '',
  level: 'info',
  levelWord: '',
  from: '',
  category: '',
  categoryHref: '',
  href: '',
  at: '',
  time: '',
  day: '',
  dayWords: '',
  actions: ACTIONS,
}

const EMPTY = {
  all: { title: 'Nothing here yet', words: 'What concerns you will appear here by itself, the newest first.' },
  unread: { title: 'You are up to date', words: 'Everything is read. What comes next will appear here by itself.' },
  archived: { title: 'Nothing is archived', words: 'What you archive leaves the inbox and is kept here.' },
} as const

function rowView(basePath: string, item: Item): ItemView {
  const { id, cursor, state, title, level } = item
  const category = item.category ?? ''
  return {
    id,
    cursor,
    state,
    title,
    level,
    category,
    body: item.body ?? '',
    levelWord: LEVEL_WORDS[level],
    from: senderOf(item.data),
    categoryHref: inboxHref(basePath, { category }),
    href: `${basePath}/${encodeURIComponent(id)}`,
    at: item.createdAt,
    time: timeOf(item.createdAt),
    day: dayOf(item.createdAt),
    dayWords: dayWords(item.createdAt),
    actions: ACTIONS,
  }
}

function inboxHref(basePath: string, parameters: Record<string, string>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== '' && !(name === 'filter' && value === 'all')) query.set(name, value)
  return query.size === 0 ? basePath : `${basePath}?${query}`
}

/** On a page that was reached by `after`, older ones begin below its last row, whether or not there are any. */
function olderHref(href: (changed: Record<string, string>) => string, page: ItemPage, shown: readonly Item[], backwards: boolean): string {
  const before = backwards ? (shown.at(-1)?.cursor ?? null) : page.nextCursor
  return before === null ? '' : href({ before })
}

/** Any data may come with a notification; where it names a sender in `from`, people see it. */
function senderOf(data: unknown): string {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'from')) return ''
  const from: unknown = Reflect.get(data, 'from')
  return typeof from === 'string' ? from.slice(0, 200) : ''
}

function moment(iso: string): string {
  return `${dayWords(iso)}, ${timeOf(iso)}`
}

/** From the end, as years may have more than four digits. */
function timeOf(iso: string): string {
  return `${iso.slice(-13, -8)} UTC`
}

function dayOf(iso: string): string {
  return iso.slice(0, -14)
}

/** Most rows of a page are of the same day. */
let latest = { day: '', words: '' }

function dayWords(iso: string): string {
  const day = dayOf(iso)
  if (latest.day !== day) latest = { day, words: dayOfYear.format(new Date(iso)) }
  return latest.words
}
