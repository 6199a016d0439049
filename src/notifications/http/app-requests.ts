import { IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'

/**
 * What V8 makes of objects whose prototype was set before Node 24: each gets hidden classes of its own with every property that is added to it, so
 * whatever reads them is slow, and what was made for one request outlives the young generation of the heap.
 */
const SLOW_ONCE_SET = Number.parseInt(process.versions.node, 10) < 24

/** The part of an Express app that says what its requests and responses inherit from. */
interface App {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Classes {
  readonly Request: new (socket: Socket) => IncomingMessage
  readonly Response: new (req: IncomingMessage, options?: object) => ServerResponse
}

/** Under which keys a server has the classes that it makes requests and responses of: what `createServer` takes as its options of these names. */
interface Keys {
  readonly request: symbol
  readonly response: symbol
}

const NODE_CLASSES: Classes = { Request: IncomingMessage, Response: ServerResponse }

/** Listeners that leave to another what they do not answer. */
const behind = new WeakMap<RequestListener, RequestListener>()

/** From now on a server whose requests `front` hears counts as one whose requests `listener` hears. */
export function standsBefore(front: RequestListener, listener: RequestListener): void {
  behind.set(front, listener)
}

/**
 * Lets a server make requests and responses that are the app's from the beginning, where nobody but one Express app hears them: Express, which gives
 * each of them its own prototypes, then finds them there, and takes a third of the time. To everybody else they are Node's own, and so they
 * are again once somebody else listens, too. Servers with classes of the host's are left as they are.
 */
export class AppRequests {
  readonly #server: Server
  readonly #keys: Keys | undefined
  readonly #changed = (event: string | symbol) => {
    // Both events come before the change.
    if (event === 'request') process.nextTick(() => this.#choose())
  }
  #app: App | undefined
  #classes = NODE_CLASSES
  #closed = false

  constructor(server: Server) {
    this.#server = server
    this.#keys = SLOW_ONCE_SET ? keysOf(server) : undefined
    if (this.#keys === undefined) return
    server.on('newListener', this.#changed).on('removeListener', this.#changed)
    this.#choose()
  }

  /** To be called with whatever the server tells others than the app: the getters of Express's requests would be in the way of those who keep something of the same name. */
  release(req: unknown): void {
    if (this.#classes === NODE_CLASSES || !(req instanceof IncomingMessage)) return
    // What the host has put in the place of `app.request` since is not what the request was made with.
    if (Object.getPrototypeOf(req) === this.#classes.Request.prototype) Object.setPrototypeOf(req, IncomingMessage.prototype)
  }

  close(): void {
    this.#closed = true
    this.#server.off('newListener', this.#changed).off('removeListener', this.#changed)
    this.#choose()
  }

  #choose(): void {
    const [listener, another] = this.#closed ? [] : this.#server.listeners('request')
    const app = another === undefined ? appOf(listener) : undefined
    if (app === this.#app || this.#keys === undefined) return
    this.#app = app
    this.#classes = (app && classesOf(app)) ?? NODE_CLASSES
    Reflect.set(this.#server, this.#keys.request, this.#classes.Request)
    Reflect.set(this.#server, this.#keys.response, this.#classes.Response)
  }
}

/** Undefined where the host gave classes of its own, and where Node keeps them in another way. */
function keysOf(server: Server): Keys | undefined {
  const symbols = Object.getOwnPropertySymbols(server)
  const request = symbols.find((key) => Reflect.get(server, key) === IncomingMessage)
  const response = symbols.find((key) => Reflect.get(server, key) === ServerResponse)
  return request && response && { request, response }
}

function appOf(listener: unknown): App | undefined {
  const app: unknown = typeof listener === 'function' ? (behind.get(listener as RequestListener) ?? listener) : undefined
  return isExpress(app) ? app : undefined
}

function isExpress(app: unknown): app is App {
  return (
    typeof app === 'function' &&
    'request' in app &&
    app.request instanceof IncomingMessage &&
    'response' in app &&
    app.response instanceof ServerResponse
  )
}

/** Undefined where what the app's prototypes have would be in Node's way. */
function classesOf({ request, response }: App): Classes | undefined {
  if (redefines(request, IncomingMessage.prototype) || redefines(response, ServerResponse.prototype)) return undefined
  const initRequest = IncomingMessage as unknown as (this: IncomingMessage, socket: Socket) => void
  const initResponse = ServerResponse as unknown as (this: ServerResponse, req: IncomingMessage, options?: object) => void
  // No `class`: the prototype of one cannot be chosen. And no Reflect.construct, which V8 is slow at.
  function Request(this: IncomingMessage, socket: Socket): void {
    initRequest.call(this, socket)
  }
  function Response(this: ServerResponse, req: IncomingMessage, options?: object): void {
    initResponse.call(this, req, options)
  }
  // As `extends` does, so that V8 makes the objects as large as Node's.
  Object.setPrototypeOf(Request, IncomingMessage)
  Object.setPrototypeOf(Response, ServerResponse)
  Request.prototype = request
  Response.prototype = response
  const classes = { Request, Response } as unknown as Classes
  return makeTheSame(classes, NODE_CLASSES) ? classes : undefined
}

/** Some requests Node answers by itself (one without `Host`, say), and an `end` of the host's may want what only the app gives a response. */
function redefines(prototype: object, nodes: object): boolean {
  if (prototype === nodes) return false
  const above: object | null = Object.getPrototypeOf(prototype)
  return Reflect.ownKeys(prototype).some((key) => key in nodes) || (above !== null && redefines(above, nodes))
}

function makeTheSame(some: Classes, others: Classes): boolean {
  try {
    return isDeepStrictEqual(propertiesMadeBy(some), propertiesMadeBy(others))
  } catch {
    return false
  }
}

function propertiesMadeBy({ Request, Response }: Classes): unknown[] {
  const req = new Request(new Socket())
  return [Reflect.ownKeys(req), Reflect.ownKeys(new Response(req))]
}
