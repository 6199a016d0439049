/** How long one transaction works before it is committed and the rest waits for the next, in milliseconds: about as long as its commit may take. */
export const PORTION = 4
