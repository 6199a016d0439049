import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import helmet from 'helmet'
import { loadUser, signedInAs } from './auth.js'
import type { AppContext } from './context.js'
import { answerErrors, notFound } from './errors.js'
import { serveFiles } from './files.js'
import { logRequests } from './log.js'
import { accountRoutes } from './routes/account.js'
import { adminNotificationRoutes } from './routes/admin-notifications.js'
import { adminTokenRoutes } from './routes/admin-tokens.js'
import { adminUserRoutes } from './routes/admin-users.js'
import { apiRoutes } from './routes/api.js'
import { messageRoutes } from './routes/messages.js'
import { type Operations, operationsRoutes } from './routes/operations.js'
import { sessionRoutes } from './routes/session.js'

/** The app, from the first thing that a request meets to the last. */
export function createApp(context: AppContext, operations: Operations): Express {
  const { config, log, notifications, sessions, session, users } = context
  const { basePath } = notifications
  const app = express()
  app.set('trust proxy', config.trustProxy)
  app.set('query parser', 'simple')

  app.use(operations.admit)
  app.use(logRequests(log))
  app.use(securityHeaders())
  app.use(serveFiles)
  app.use(operationsRoutes(context, operations))
  // Scripts with a token send no cookie, so this stands before the session and the same-origin rule.
  app.use(apiRoutes(context))

  app.use(session)
  app.use(sessions.ignore([`${basePath}/unread`, `${basePath}/stream`]))
  app.use(notifications.sameOrigin())
  app.use(loadUser(users))
  app.use(notifications.middleware())

  app.get('/', forOneAlone, (_req, res) => res.redirect(303, signedInAs(res) === null ? '/login' : basePath))
  app.use('/login', forOneAlone)
  app.use(sessionRoutes(context))
  app.use(accountRoutes(context))
  app.use(messageRoutes(context))
  app.use(adminNotificationRoutes(context))
  app.use(adminUserRoutes(context))
  app.use(adminTokenRoutes(context))
  app.use(basePath, notifications.router())

  app.use(notFound)
  app.use(errorForOneAlone)
  app.use(answerErrors(log))
  return app
}

/** Who is signed in decides what stands there. */
const forOneAlone: RequestHandler = (_req, res, next) => {
  res.set('Cache-Control', 'private, no-cache').vary('Cookie')
  next()
}

/** So it does on the page of an error, whose frame has the bell. */
const errorForOneAlone: ErrorRequestHandler = (error, _req, res, next) => {
  if (!res.headersSent) res.vary('Cookie')
  next(error)
}

/** Nothing from elsewhere, nothing inline, no strings as scripts. Origin must survive form posts, so the referrer policy is same-origin. */
function securityHeaders(): RequestHandler {
  const self = ["'self'"]
  const none = ["'none'"]
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: none,
        scriptSrc: self,
        styleSrc: self,
        imgSrc: self,
        fontSrc: self,
        connectSrc: self,
        manifestSrc: self,
        formAction: self,
        baseUri: none,
        frameAncestors: none,
        requireTrustedTypesFor: ["'script'"],
      },
    },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
  })
}
