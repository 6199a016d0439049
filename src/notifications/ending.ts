/** Whose connections are to end: a user's, or those of one session (by its key). */
export type Whose = { readonly user: string } | { readonly session: string }

/** Ends connections whose requests came in by `at`. Whoever has signed in anew since then keeps theirs, however late this is heard. */
export type Ending = Whose & {
  /** In milliseconds since 1970. */
  readonly at: number
  /** Whose the session is now. In this process it then ends all that is somebody else's, and nothing of theirs, whenever it came in. */
  readonly kept?: string
}

/** `user:<id>` or `session:<key>`. */
export function nameOf(whose: Whose): string {
  return 'user' in whose ? `user:${whose.user}` : `session:${whose.session}`
}
