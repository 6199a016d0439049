import { fileURLToPath } from 'node:url'
import type { Database } from 'better-sqlite3'
import express, { type Request, type RequestHandler, type Response } from 'express'
import type { Registry } from 'prom-client'
import { z } from 'zod'
import { OptionError } from './errors.js'
import { consoleLogger, harmless, type Logger } from './logger.js'
import type { Identity } from './person.js'
import { type Retention, retention } from './retention.js'

/**
 * A page of the plugin's, to be put into the host's own frame. All strings are HTML but `title`, which is text.
 * @example layout: ({ title, head, body, res }) => renderFile('views/frame.ejs', { title, head, body, ...res.locals })
 */
export interface PageParts {
  readonly title: string
  /** What belongs into `<head>`: stylesheet and scripts of the plugin. */
  readonly head: string
  /** The content of `<main>`. */
  readonly body: string
  readonly req: Request
  readonly res: Response
}

/** What `createNotifications` takes: three things that it needs, and the rest with defaults. Times in seconds, a day at most. */
export interface NotificationsOptions {
  /** A path (or `file:` and a path), `':memory:'`, or an open better-sqlite3 Database: then `notify` takes part in its transactions. */
  readonly database: string | Database
  /** The express-session middleware of the app: the same instance. */
  readonly session: RequestHandler
  /** Who is there: null when nobody is signed in. Gets the request with its session; at the upgrade of a socket, too. */
  readonly identify: (req: Request) => Identity | null | Promise<Identity | null>
  /** What `identify` says, for a user who is absent, by id; lets `refresh` and the periodic re-check see changed topics. */
  readonly topicsOf?: ((user: string) => Identity | null | Promise<Identity | null>) | undefined
  /** Where the router is mounted and the socket listens; `/notifications` unless told. */
  readonly basePath?: string | undefined
  /** Where browsers find `basePath`, when a proxy in front takes a prefix off; the same unless told. Links, pages and the client use it. */
  readonly publicPath?: string | undefined
  /** Where somebody who is not signed in is sent, with `?next=`; without it a page answers 401. */
  readonly signInPath?: string | undefined
  /** Puts the plugin's pages into the host's own frame; without it they stand on their own. */
  readonly layout?: ((page: PageParts) => string | Promise<string>) | undefined
  /**
   * The language of what the plugin's pages, `bell()` and `list()` say: `'en'` unless told, `'pl'` or `'ar'`, or a tag such as `pl-PL`; by a function, of each
   * request, where anything else means English. What the script says is in that of `<html lang>`, which should be the same.
   * @example language: (req) => req.acceptsLanguages('en', 'pl', 'ar')
   */
  readonly language?: string | ((req: Request) => string | false | null | undefined) | undefined
  /** Origins that may connect and post, exactly; unless told, the request's own. */
  readonly allowedOrigins?: readonly string[] | undefined
  /** As Express's `trust proxy`; for the own origin and addresses of live connections. False unless told. */
  readonly trustProxy?: boolean | number | string | readonly string[] | undefined
  /** Between two heartbeats; 25 unless told. */
  readonly heartbeat?: number | undefined
  /** Over how long clients spread their return after a restart; 10 unless told. */
  readonly reconnectWithin?: number | undefined
  /** Live connections of one user; 20 unless told. */
  readonly maxConnectionsPerUser?: number | undefined
  /** Live connections in all; 20,000 unless told. */
  readonly maxConnections?: number | undefined
  /** Prunes by itself, a minute after the start and every six hours; without it, everything is kept until `prune` is called. */
  readonly retention?: Retention | undefined
  /** Warnings and errors go to standard error unless told. */
  readonly logger?: Logger | undefined
  /** A prom-client Registry that the metrics are registered with. */
  readonly registry?: Registry | undefined
}

/** The languages that there are words in. */
const LANGUAGES = ['en', 'pl', 'ar'] as const

export type Language = (typeof LANGUAGES)[number]

const LANGUAGE =
  'The option language must be en, pl or ar, or a function of the request that answers one of them. There are no words in any other: leave it out, and they are English.'

const TRUST_PROXY = 'The option trustProxy takes what Express takes for trust proxy: hops, or addresses such as loopback or 10.0.0.0/8.'

const isFunction = (option: string, what: string) =>
  z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', { error: `The option ${option} must be ${what}.` })

/** In seconds. What is longer than 24 days overflows a timer, which then fires at once. */
const DAY = 86_400

const seconds = (option: string) =>
  z
    .number({ error: `The option ${option} must be a number of seconds.` })
    .positive({ error: `The option ${option} must be a positive number of seconds.` })
    .max(DAY, { error: `The option ${option} must be at most ${DAY} seconds, which is a day.` })

const count = (option: string) =>
  z.int({ error: `The option ${option} must be a whole number.` }).positive({ error: `The option ${option} must be at least 1.` })

const path = (option: string, example = '/notifications') =>
  z
    .string({ error: `The option ${option} must be a path such as ${example}.` })
    .regex(/^(\/[A-Za-z0-9._~-]+)+$/, { error: `The option ${option} must be a path such as ${example}, without a slash at the end.` })

const origin = z
  .string({ error: 'The option allowedOrigins must be a list of origins.' })
  .refine((value) => URL.canParse(value) && new URL(value).origin === value, {
    error: (issue) =>
      `The option allowedOrigins holds ${JSON.stringify(issue.input)}, which is no origin: write it as https://example.com, without a path.`,
  })

const A_PATH = 'the path of a file, such as data/app.db, or an open better-sqlite3 Database.'

const database = z
  .custom<string | Database>((value) => typeof value === 'string' || isDatabase(value), { error: `The option database must be ${A_PATH}` })
  .transform((value, context) => {
    const read = typeof value === 'string' ? readPath(value) : { path: value }
    if ('wrong' in read) context.addIssue({ code: 'custom', message: read.wrong })
    return 'path' in read ? read.path : z.NEVER
  })

const schema = z.strictObject(
  {
    database,
    session: isFunction('session', 'the express-session middleware that the app uses').refine((value) => !('Store' in value), {
      error: 'The option session must be the middleware that express-session makes: the same session({ … }) that the app uses, not session itself.',
    }),
    identify: isFunction('identify', 'a function of the request that answers { id } or null'),
    topicsOf: isFunction('topicsOf', 'a function of a user id that answers { id, topics } or null').optional(),
    basePath: path('basePath').default('/notifications'),
    publicPath: path('publicPath').optional(),
    signInPath: z
      .union([z.literal('/'), path('signInPath', '/sign-in')], { error: 'The option signInPath must be a path such as /sign-in.' })
      .optional(),
    layout: isFunction('layout', 'a function of { title, head, body, req, res } that answers HTML').optional(),
    language: z
      .custom<string | (() => unknown)>((value) => typeof value === 'function' || languageOf(value) !== undefined, { error: LANGUAGE })
      .optional(),
    allowedOrigins: z.array(origin, { error: 'The option allowedOrigins must be a list of origins.' }).optional(),
    trustProxy: z
      .union([z.boolean(), z.int(), z.string(), z.array(z.string())], { error: TRUST_PROXY })
      .refine(isTrustProxy, { error: TRUST_PROXY })
      .default(false),
    heartbeat: seconds('heartbeat').default(25),
    reconnectWithin: seconds('reconnectWithin').default(10),
    maxConnectionsPerUser: count('maxConnectionsPerUser').default(20),
    maxConnections: count('maxConnections').default(20_000),
    retention: retention.optional(),
    logger: z
      .custom<Logger>((value) => isLogger(value), { error: 'The option logger must have the functions info, warn and error.' })
      .default(consoleLogger)
      .transform(harmless),
    registry: z
      .custom<Registry>((value) => typeof value === 'object' && value !== null && 'registerMetric' in value, {
        error: 'The option registry must be a prom-client Registry.',
        abort: true,
      })
      .refine((registry) => registry.getSingleMetric('belfry_connections') === undefined, {
        error: "The option registry has Belfry's metrics already: give each createNotifications a registry of its own.",
      })
      .optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' ? `There is no option ${issue.keys.join(', ')}.` : 'createNotifications takes an object of options.',
  },
)

type Defaulted = 'basePath' | 'trustProxy' | 'heartbeat' | 'reconnectWithin' | 'maxConnectionsPerUser' | 'maxConnections' | 'logger'

/** Options that have been checked, defaults filled in. */
export type Options = Readonly<Omit<NotificationsOptions, Defaulted> & { [K in Defaulted]-?: NonNullable<NotificationsOptions[K]> }>

/** Throws OptionError with a whole sentence for the first option that cannot be worked with. */
export function parseOptions(options: NotificationsOptions): Options {
  const result = schema.safeParse(options)
  if (!result.success) throw new OptionError(result.error.issues[0]?.message ?? 'The options cannot be read.')
  return result.data as Options
}

/** Which of the languages a tag is, such as `pl-PL`; undefined where it is none of them. */
export function languageOf(tag: unknown): Language | undefined {
  const main = typeof tag === 'string' ? tag.split('-', 1)[0]?.toLowerCase() : undefined
  return LANGUAGES.find((language) => language === main)
}

/** An address of any other scheme is refused: taken for a path, it would make folders of that name. One letter before the colon is a drive of Windows. */
function readPath(value: string): { readonly path: string } | { readonly wrong: string } {
  const wrong = `The option database must be ${A_PATH}`
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(value)?.[1]?.toLowerCase()
  if (scheme === 'postgres' || scheme === 'postgresql') return { wrong: `PostgreSQL is not there yet; the option database takes ${A_PATH}` }
  if (value === '' || value.includes('\0') || (scheme !== undefined && scheme !== 'file')) return { wrong }
  if (scheme === undefined) return { path: value }
  try {
    const path = value.startsWith('file://') ? fileURLToPath(value) : value.slice('file:'.length)
    return path === '' ? { wrong } : { path }
  } catch {
    return { wrong }
  }
}

function isDatabase(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'prepare' in value && 'inTransaction' in value
}

function isTrustProxy(value: unknown): boolean {
  try {
    express().set('trust proxy', value)
    return true
  } catch {
    return false
  }
}

function isLogger(value: unknown): boolean {
  return typeof value === 'object' && value !== null && ['info', 'warn', 'error'].every((name) => typeof Reflect.get(value, name) === 'function')
}
