import { isIP } from 'node:net'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** A setting that the app can't start with; the message is one whole line for the operator. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const SECRETS = new Set(['SESSION_SECRET', 'ADMIN_PASSWORD', 'METRICS_TOKEN'])
const TEN_YEARS = 315_360_000
const DAY = 86_400

const wholeNumber = (least: number, most: number, instead: string) =>
  z
    .string()
    .regex(/^\d{1,10}$/, { error: instead })
    .transform(Number)
    .refine((value) => value >= least && value <= most, { error: instead })

const duration = (example: number) => wholeNumber(1, TEN_YEARS, `give a whole number of seconds from 1 to ${TEN_YEARS}, such as ${example}`)

const databasePath = z.string().transform((value, context) => {
  const path = readDatabasePath(value)
  if (typeof path !== 'string') context.addIssue({ code: 'custom', message: path.instead })
  return typeof path === 'string' ? path : z.NEVER
})

const origins = z.string().transform((value, context) => {
  const list = value.split(',').map((origin) => origin.trim())
  const wrong = list.find((origin) => !isOrigin(origin))
  if (wrong !== undefined)
    context.addIssue({ code: 'custom', message: 'list exact origins separated by commas, such as https://example.com, without a path' })
  return list
})

const trustProxy = z.string().transform((value, context) => {
  if (/^\d{1,2}$/.test(value)) return Number(value)
  const addresses = value.split(',').map((address) => address.trim())
  if (!addresses.every(isProxyAddress)) {
    context.addIssue({
      code: 'custom',
      message: 'give the number of proxies in front, such as 1, or their addresses, such as loopback or 10.0.0.0/8',
    })
  }
  return addresses
})

const schema = z.object({
  PORT: wholeNumber(0, 65_535, 'give a port from 0 to 65535, such as 3000; 0 picks a free one').default(3000),
  HOST: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]{1,255}$/, { error: 'give a host name or address, such as 127.0.0.1' })
    .default('127.0.0.1'),
  DATABASE_URL: databasePath.default('data/belfry.db'),
  BUS_URL: z
    .string()
    .refine(() => false, { error: 'other buses are not there yet: leave it unset, one process needs none' })
    .optional(),
  SESSION_SECRET: z.string().optional(),
  SESSION_IDLE_SECONDS: duration(7 * DAY).default(7 * DAY),
  SESSION_MAX_SECONDS: duration(30 * DAY).default(30 * DAY),
  ADMIN_USERNAME: z.string().default('admin'),
  ADMIN_PASSWORD: z.string().optional(),
  ALLOWED_ORIGINS: origins.optional(),
  TRUST_PROXY: trustProxy.default(0),
  METRICS_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, { error: 'give printable ASCII characters without spaces' })
    .optional(),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `give one of ${LOG_LEVELS.join(', ')}` }).default('info'),
})

/** Every setting of the app, checked. Times in seconds. */
export interface Config {
  readonly port: number
  readonly host: string
  readonly databasePath: string
  /** Undefined: made once, and kept beside the database. */
  readonly sessionSecret: string | undefined
  readonly sessionIdle: number
  readonly sessionMax: number
  /** Looked at only while there is no admin; so is the password. */
  readonly adminUsername: string
  /** Undefined: made, and printed once. */
  readonly adminPassword: string | undefined
  /** Undefined: the request's own origin. */
  readonly allowedOrigins: readonly string[] | undefined
  readonly trustProxy: number | readonly string[]
  /** Undefined: /metrics answers to loopback only. */
  readonly metricsToken: string | undefined
  readonly logLevel: (typeof LOG_LEVELS)[number]
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads the settings; an empty one counts as unset. Throws SettingError, one line for the first that can't be worked with. */
export function parseConfig(env: Environment): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in schema.shape && value !== ''))
  const result = schema.safeParse(given)
  if (!result.success) throw badSetting(result.error.issues[0], given)
  const settings = result.data
  return {
    port: settings.PORT,
    host: settings.HOST,
    databasePath: settings.DATABASE_URL,
    sessionSecret: settings.SESSION_SECRET,
    sessionIdle: settings.SESSION_IDLE_SECONDS,
    sessionMax: settings.SESSION_MAX_SECONDS,
    adminUsername: settings.ADMIN_USERNAME,
    adminPassword: settings.ADMIN_PASSWORD,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    trustProxy: settings.TRUST_PROXY,
    metricsToken: settings.METRICS_TOKEN,
    logLevel: settings.LOG_LEVEL,
  }
}

/** The line for a setting that can't be worked with: its name, its value unless it is a secret, and what to write instead. */
export function settingError(name: string, value: string | undefined, instead: string): SettingError {
  const shown = SECRETS.has(name) ? `${name} can't be used as it is` : `${name}=${JSON.stringify(withoutPassword(value ?? ''))} can't be used`
  return new SettingError(`${shown}: ${instead}.`)
}

/** What stands before the @ of an address is for nobody to read. */
function withoutPassword(value: string): string {
  return value.replace(/\/\/[^/?#\s]*@/, '//…@')
}

function badSetting(issue: z.core.$ZodIssue | undefined, given: Environment): SettingError {
  const name = String(issue?.path[0] ?? '')
  return settingError(name, given[name], issue?.message ?? 'it cannot be read')
}

function readDatabasePath(value: string): string | { readonly instead: string } {
  const path = 'give the path of a file, such as data/belfry.db'
  if (value.includes('\0') || value === ':memory:') return { instead: path }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(value)?.[1]?.toLowerCase()
  if (scheme === 'postgres' || scheme === 'postgresql') return { instead: `PostgreSQL is not there yet; ${path}` }
  if (scheme === undefined) return value
  if (scheme !== 'file') return { instead: path }
  try {
    return value.startsWith('file://') ? fileURLToPath(value) : value.slice('file:'.length) || { instead: path }
  } catch {
    return { instead: path }
  }
}

function isOrigin(value: string): boolean {
  return /^https?:\/\//.test(value) && URL.canParse(value) && new URL(value).origin === value
}

/** What Express takes in a list for `trust proxy`: its three names, addresses and subnets. */
function isProxyAddress(value: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(value)) return true
  const [address = '', bits, ...rest] = value.split('/')
  const version = isIP(address)
  return (
    version !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128)))
  )
}
