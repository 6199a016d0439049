import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
/** A whole browser, where the machine has one. */
const INSTALLED = '/usr/bin/chromium'
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

/**
 * A real Chromium: `$CHROMIUM_PATH`, else the headless one that a package brings, which takes half of the time, else the machine's own.
 * @param keepsPages whether it is to keep a page whole that one leaves, to show it again as it was: only the machine's own can
 */
export function launchBrowser({ keepsPages = false } = {}): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? (keepsPages && existsSync(INSTALLED) ? INSTALLED : headless())
  return chromium.launch({ executablePath, args: ARGS, ignoreDefaultArgs: keepsPages ? ['--disable-back-forward-cache'] : [] })
}

function headless(): string {
  const folder = join(CACHE, 'chromium')
  if (!existsSync(folder)) unpack(folder)
  const path = join(folder, 'chromium')
  if (spawnSync(path, ['--version']).status === 0) return path
  if (existsSync(INSTALLED)) return INSTALLED
  throw new Error('No Chromium runs here: install one, or what the headless one needs (on Debian libnss3 and libexpat1).')
}

/** Files that begin at the same time may all do it; what is not whole yet is not there. */
function unpack(folder: string): void {
  mkdirSync(CACHE, { recursive: true })
  const unpacking = mkdtempSync(`${folder}-`)
  const script = `import('${import.meta.resolve('@sparticuz/chromium')}').then(({ default: chromium }) => chromium.executablePath())`
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', env: { ...process.env, TMPDIR: unpacking } })
  if (status !== 0) throw new Error(`Chromium cannot be unpacked: ${stderr}`)
  try {
    renameSync(unpacking, folder)
  } catch {
    rmSync(unpacking, { recursive: true })
  }
}

/** Writes down, from the first moment on, every value that a badge or a title shows, and what the page's rules forbade. */
const RECORDER = `
  window.shown = { badge: [], title: [], status: [], violations: [] }
  const note = (list, value) => { if (list.at(-1) !== value) list.push(value) }
  const look = () => {
    const bell = document.querySelector('notification-bell')
    const badge = bell && bell.querySelector('.belfry-badge')
    const status = bell && bell.querySelector('[role=status]')
    if (badge) note(window.shown.badge, badge.textContent)
    if (status) note(window.shown.status, status.textContent)
    if (badge && document.title) note(window.shown.title, document.title)
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true })
  document.addEventListener('DOMContentLoaded', look)
  document.addEventListener('securitypolicyviolation', (event) => window.shown.violations.push(event.violatedDirective + ' ' + event.blockedURI))
  window.addEventListener('error', (event) => window.shown.violations.push('error ' + event.message))
  window.addEventListener('unhandledrejection', (event) => window.shown.violations.push('rejection ' + event.reason))
`

/** What a tab has shown since it was opened. */
export interface Shown {
  readonly badge: readonly string[]
  readonly title: readonly string[]
  readonly status: readonly string[]
  /** What the content security policy refused, and errors that nothing caught. */
  readonly violations: readonly string[]
}

export async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage()
  await page.addInitScript(RECORDER)
  await page.goto(url)
  return page
}

/** A tab of somebody who has signed in through the form. */
export async function openTabSignedIn(context: BrowserContext, url: string, username: string, password: string): Promise<Page> {
  const page = await openTab(context, `${url}/login`)
  await page.fill('[name=username]', username)
  await page.fill('[name=password]', password)
  await page.press('[name=password]', 'Enter')
  await page.waitForURL('**/notifications')
  return page
}

export function shownBy(page: Page): Promise<Shown> {
  return page.evaluate('window.shown')
}

/** Waits until the badge shows this text, '' for none. */
export async function expectBadge(page: Page, text: string, within = 5000): Promise<void> {
  await expectText(page, `document.querySelector('.belfry-badge')?.textContent`, text, within)
}

/** Waits until the bell says that it hears of changes in this way. */
export async function expectConnection(page: Page, connection: string, within = 5000): Promise<void> {
  await expectText(page, `document.querySelector('notification-bell')?.getAttribute('connection')`, connection, within)
}

/** Waits until an expression of the page has this value, as JSON compares them. */
export async function expectText(page: Page, expression: string, value: unknown, within = 5000): Promise<void> {
  const deadline = performance.now() + within
  let now: unknown
  do {
    now = await page.evaluate(expression)
    if (JSON.stringify(now) === JSON.stringify(value)) return
    await page.waitForTimeout(20)
  } while (performance.now() < deadline)
  assert.deepEqual(now, value, `${expression} within ${within} ms, at ${page.url()}`)
}

/** Ids and states of the rows of an inbox, from the top. */
export function rowsOf(page: Page): Promise<readonly { readonly id: string; readonly state: string }[]> {
  return page.evaluate(
    `[...document.querySelectorAll('li[data-notification-id]')].map((row) => ({ id: row.dataset.notificationId, state: row.dataset.state }))`,
  )
}
