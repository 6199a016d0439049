import { NotificationBell } from './bell.js'

if (!customElements.get('notification-bell')) customElements.define('notification-bell', NotificationBell)
