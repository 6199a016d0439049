/** A path of this site that may be redirected to, or null: browsers read `//host`, `/\host` and a tab in between as another site. */
export function sameSitePath(value: string): string | null {
  return value.length <= 2048 && /^\/(?!\/)[^\0-\x20\x7f\\]*$/.test(value) ? value : null
}
