/**
 * What is needed of a logger; pino fits, and so does any object with these three. An error is in `details.err`.
 * @example createNotifications({ …, logger: pino() })
 */
export interface Logger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/** Without a logger of the host's: warnings and errors go to standard error, in one line each. */
export const consoleLogger: Logger = {
  info() {},
  warn: (details, message) => console.warn(`belfry: ${message}`, details),
  error: (details, message) => console.error(`belfry: ${message}`, details),
}

/** The same logger; when it throws, or rejects, a line is lost, and never the work that it was to be told of. */
export function harmless(logger: Logger): Logger {
  const guarded =
    (level: keyof Logger): Logger[typeof level] =>
    async (details, message) => {
      try {
        await logger[level](details, message)
      } catch (error) {
        consoleLogger.error({ err: error }, `the logger failed at: ${message}`)
      }
    }
  return { info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}
