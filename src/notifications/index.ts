/** The only door of the plugin. */

export type { FieldError } from './errors.js'
export { BelfryError, ConflictError, InvalidError, MalformedError, NotFoundError, OptionError, SchemaError, UnavailableError } from './errors.js'
export type { Logger } from './logger.js'
export type { Draft, Notification, Recipients } from './notification.js'
export type { NotificationsOptions, PageParts } from './options.js'
export type { Identity, Membership, Moment } from './person.js'
export type { DisconnectTarget, Notifications } from './plugin.js'
export { createNotifications } from './plugin.js'
export type { Filter, Item, ItemState, Level, State } from './protocol.js'
export { LEVELS } from './protocol.js'
export type { ItemPage, ListQuery, Notified, SentEntry, SentQuery } from './service.js'
export type { Reader } from './store/store.js'
