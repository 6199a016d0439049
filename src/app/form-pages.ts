import type { Request } from 'express'
import { sameSitePath } from './next.js'

/** Where people write to others. */
const WRITTEN_ON = ['/messages/new', '/admin/notifications/new']

/** Where the forms of unsafe routes stand. */
const PAGES: readonly (readonly [RegExp, string])[] = [
  [/^\/(messages|admin\/notifications)$/, '/$1/new'],
  [/^\/(admin\/notifications\/[^/]+)\/recall$/, '/$1'],
  [/^\/(account|admin\/users|admin\/tokens)(\/.*)?$/, '/$1'],
]

/** The page of this site that the form of an unsafe request stands on, as it was visited where that is known; undefined where it has none. */
export function formPage(req: Request): string | undefined {
  const path = pathOf(req)
  const [pattern, page] = PAGES.find(([pattern]) => pattern.test(path)) ?? []
  if (pattern === undefined || page === undefined) return undefined
  const plain = path.replace(pattern, page)
  return sameSitePath(plain + queryOf(req, plain)) ?? sameSitePath(plain) ?? undefined
}

/** The same page, saying that what was sent from it was not taken, where that is a page to write on: what was typed is to be found again. */
export function afterUnsent(page: string): string {
  if (!isWrittenOn(page)) return page
  const { pathname, searchParams, hash } = new URL(page, 'http://this.site')
  searchParams.set('unsent', '1')
  return `${pathname}?${searchParams}${hash}`
}

/** Whether people write to others on this page of this site. */
export function isWrittenOn(page: string): boolean {
  return WRITTEN_ON.includes(page.split(/[?#]/, 1)[0] ?? '')
}

/** What stood behind the path of the page, such as whom somebody wrote to: by the Referer, of which nothing else is taken. */
function queryOf(req: Request, page: string): string {
  const referer = req.get('Referer') ?? ''
  const from = URL.canParse(referer) ? new URL(referer) : undefined
  return from !== undefined && from.host === req.host && from.pathname === page ? from.search : ''
}

function pathOf({ originalUrl }: Request): string {
  return originalUrl.split('?', 1)[0] ?? ''
}
