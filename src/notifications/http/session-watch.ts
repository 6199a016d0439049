import { createHash } from 'node:crypto'
import type { Request } from 'express'
import type { Logger } from '../logger.js'

/** What stands for a session id, which is a secret, wherever it is only to be recognised. */
export function sessionKey(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

export class SessionWatch {
  constructor(_options: { readonly ended: (key: string) => void; readonly logger: Logger }) {}

  watch(req: Request): string {
    return sessionKey(req.sessionID)
  }

  unwatch(_key: string): void {}

  close(): void {}
}
