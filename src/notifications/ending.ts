/** Whose connections are to end: a user's, or those of one session (by its key). */
export type Whose = { readonly user: string } | { readonly session: string }

/** Those are meant whose requests came in by then. Who comes later, having signed in anew, is not, however late it is told. */
export type Ending = Whose & {
  /** In milliseconds since 1970. */
  readonly at: number
  /** Whose the session is now: of what this process has open in it, all that is somebody else's is meant, and nothing of theirs, whenever it came in. */
  readonly kept?: string
}

/** `user:<id>` or `session:<key>`. */
export function nameOf(whose: Whose): string {
  return 'user' in whose ? `user:${whose.user}` : `session:${whose.session}`
}
