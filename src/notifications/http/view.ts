import type { ListQuery } from '../cursors.js'
import type { Item, ItemState, Level } from '../protocol.js'
import type { ItemPage } from '../service.js'
import { safeUrl } from '../values.js'
import type { Words } from './words.js'

/** A notification in words, for templates; every string is text and gets escaped there. */
interface ItemView {
  readonly id: string
  readonly cursor: string
  readonly state: string
  readonly title: string
  readonly body: string
  readonly level: Level
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
  readonly words: Words
}

interface Action {
  readonly action: keyof Words['actions']
  readonly from: readonly ItemState[]
}

/** What can be done with one, by the states in which it makes sense. */
const ACTIONS: readonly Action[] = [
  { action: 'read', from: ['unread'] },
  { action: 'unread', from: ['read'] },
  { action: 'archive', from: ['unread', 'read'] },
  { action: 'unarchive', from: ['archived'] },
]

/** Everything that the inbox template shows. */
export function inboxView(basePath: string, words: Words, query: ListQuery, page: ItemPage) {
  const filter = query.filter ?? 'all'
  const category = query.category ?? ''
  const href = (changed: Record<string, string>) => inboxHref(basePath, { filter, category, ...changed })
  const backwards = query.after !== undefined
  const newestFirst = backwards ? page.items.toReversed() : page.items
  const atTop = query.before === undefined && !backwards
  return {
    basePath,
    words,
    unread: page.unread,
    filter,
    category,
    rows: newestFirst.map((item) => rowView(basePath, words, item)),
    newest: newestFirst[0]?.cursor ?? '',
    atTop,
    // From any other place, what it marks is not what is seen.
    readAll: atTop && filter !== 'archived' && category === '',
    filters: (['all', 'unread', 'archived'] as const).map((key) => ({ key, href: href({ filter: key }), current: key === filter })),
    withoutCategory: href({ category: '' }),
    top: href({}),
    older: olderHref(href, page, newestFirst, backwards),
    empty: words.empty[atTop ? filter : 'older'],
    emptyRow: { ...EMPTY_ROW, words },
  }
}

/** Everything that a short list on a page of the host's shows. */
export function listView(basePath: string, words: Words, query: ListQuery, page: ItemPage) {
  return { words, rows: page.items.map((item) => rowView(basePath, words, item)), empty: words.empty[query.filter ?? 'all'] }
}

/** Everything that the page of one notification shows. */
export function itemView(basePath: string, words: Words, item: Item) {
  const url = safeUrl(item.url)
  return {
    basePath,
    ...rowView(basePath, words, item),
    actions: ACTIONS.filter(({ from }) => from.includes(item.state)),
    when: moment(words, item.createdAt),
    expiresAt: item.expiresAt,
    expires: item.expiresAt === null ? '' : moment(words, item.expiresAt),
    url,
    open: url === null ? '' : url.startsWith('/') ? words.open : words.openAt(new URL(url).host),
  }
}

/** An empty row, for the client to clone. */
const EMPTY_ROW: Omit<ItemView, 'words'> = {
  id: '',
  cursor: '',
  state: 'unread',
  title: '',
  body: '',
  level: 'info',
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

function rowView(basePath: string, words: Words, item: Item): ItemView {
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
    from: senderOf(item.data),
    categoryHref: inboxHref(basePath, { category }),
    href: `${basePath}/${encodeURIComponent(id)}`,
    at: item.createdAt,
    time: timeOf(item.createdAt),
    day: dayOf(item.createdAt),
    dayWords: dayWords(words, item.createdAt),
    actions: ACTIONS,
    words,
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

function moment(words: Words, iso: string): string {
  return `${dayWords(words, iso)}${words.comma}${timeOf(iso)}`
}

/** From the end, as years may have more than four digits. */
function timeOf(iso: string): string {
  return `${iso.slice(-13, -8)} UTC`
}

function dayOf(iso: string): string {
  return iso.slice(0, -14)
}

/** Most rows of a page are of the same day. */
let latest = { lang: '', day: '', text: '' }

function dayWords(words: Words, iso: string): string {
  const day = dayOf(iso)
  if (latest.day !== day || latest.lang !== words.lang) latest = { lang: words.lang, day, text: words.day.format(new Date(iso)) }
  return latest.text
}
