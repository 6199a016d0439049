import { createHash } from 'node:crypto'
import type { Response } from 'express'
import { badgeText, type State } from '../protocol.js'
import { type AssetName, assetHref } from './assets.js'
import { escapeHtml, render } from './templates.js'

/** What pages of the host find in `res.locals.notifications`. Signed out: unread is 0, and the bell is empty. */
export interface PageNotifications extends State {
  /** HTML for `<head>`: the stylesheet and the client. */
  head(): string
  /** HTML of the bell: a link to the inbox with the count in it, which the client brings to life. */
  bell(): string
}

const NOBODY: State = { epoch: '', version: 0, unread: 0 }

/** Puts the state of somebody (or of nobody) where templates find it; a later one replaces it. */
export function present(res: Response, basePath: string, user: string | null, state: State = NOBODY): PageNotifications {
  const notifications: PageNotifications = {
    ...state,
    head: () => headHtml(basePath),
    bell: () => (user === null ? '' : bellHtml(basePath, user, state)),
  }
  res.locals.notifications = notifications
  return notifications
}

/** What the client needs to tell one user from another, in what tabs share and in what it asks; it is not the id itself. */
export function userMark(user: string): string {
  return createHash('sha256').update(`bell of ${user}`).digest('base64url').slice(0, 12)
}

/** Links to the stylesheet and the scripts, as far as they were built. */
export function headHtml(basePath: string, scripts: readonly AssetName[] = ['belfry.js']): string {
  const style = assetHref(basePath, 'belfry.css')
  const tags = style === undefined ? [] : [`<link rel="stylesheet" href="${escapeHtml(style)}">`]
  for (const name of scripts) {
    const href = assetHref(basePath, name)
    if (href !== undefined) tags.push(`<script type="module" src="${escapeHtml(href)}"></script>`)
  }
  return tags.join('\n')
}

function bellHtml(basePath: string, user: string, state: State): string {
  return render('_bell', { ...state, basePath, badge: badgeText(state.unread), mark: userMark(user) }).trim()
}
