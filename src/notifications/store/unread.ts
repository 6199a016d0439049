/**
 * What is unread, in SQL: whatever of a user's streams has no receipt that says read and stands above the watermark, and what has a receipt that says
 * unread. As receipts may be many, each user has a floor (migration 0005): at or below it, whatever is unread has a receipt that says so.
 *
 * The counters of what went to a user alone keep the same rule by triggers (`notification_delivered_to_user`, `…_delivery_changed_for_user`,
 * `notification_receipt_…`, `notification_watermark_…`), and what is kept in memory by `exceptions.ts`; the model test holds them together.
 */

/** Of the row `u` of a user, if there is one. */
export const FLOOR = 'max(coalesce(u.watermark, 0), coalesce(u.settled, 0))'

/** Of a receipt `r`. */
export const SAYS_READ = '(r.read_at IS NOT NULL OR r.archived_at IS NOT NULL)'
export const SAYS_UNREAD = '(r.read_at IS NULL AND r.archived_at IS NULL)'

/** Of a delivery `d` above the floor: whether it is unread to this user. */
export const UNREAD_ABOVE = (user: string) => `
  NOT EXISTS (SELECT 1 FROM notification_receipts r WHERE r.user_id = ${user} AND r.position = d.position AND ${SAYS_READ})`

/** The topics that a user is in. */
export const TOPICS = 'SELECT audience, since, start FROM notification_memberships WHERE user_id = ?'
