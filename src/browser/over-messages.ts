import type { Messages } from './messages.js'

/** What is said, beyond what the bell says, where nobody is signed in any more. */
export const english = { signIn: 'Sign in' } satisfies Messages
