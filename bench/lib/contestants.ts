import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Dialect, dialects } from './load.js'
import type { People } from './people.js'
import { compiled, cpuSeconds, now, Program, Server } from './processes.js'

/** A server that holds connections and can send one message to all of them. */
export interface Contestant extends AsyncDisposable {
  readonly port: number
  readonly dialect: Dialect
  cpu(): Promise<number>
  memory(): Promise<number>
  /** Sends to all; resolves, when that was done or begun, with the time at which it began. */
  broadcast(title: string): Promise<number>
}

export type Start = (people: People, folder: string) => Promise<Contestant>

class NodeContestant implements Contestant {
  readonly server: Server
  readonly dialect: Dialect

  constructor(server: Server, dialect: Dialect) {
    this.server = server
    this.dialect = dialect
  }

  get port(): number {
    return this.server.port
  }

  cpu(): Promise<number> {
    return this.server.cpu()
  }

  memory(): Promise<number> {
    return this.server.memory()
  }

  async broadcast(title: string): Promise<number> {
    return (await this.server.ask<{ began: number }>('broadcast', { title })).began
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]()
  }
}

let started = 0

/** A contestant that runs in Node, with a database of its own. */
export function inNode(file: 'belfry' | 'socketio' | 'ws' | 'uws'): (people: People, folder: string, settings?: object) => Promise<NodeContestant> {
  return async (people, folder, settings = {}) => {
    const server = await Server.start(file, { ...people.settings, database: join(folder, `${file}-${++started}.db`), ...settings })
    return new NodeContestant(server, dialects[file])
  }
}

/** Those that sign people in through express-session. */
export const withSessions = { belfry: inNode('belfry'), socketio: inNode('socketio'), ws: inNode('ws') } as const

/** How one of them starts. */
export type SessionStart = ReturnType<typeof inNode>

/** The C program that only calls send(2): it can do nothing but `broadcast`. */
export async function startFloor(text: string): Promise<Contestant> {
  const program = new Program(compiled('floor'), [])
  const { port } = await program.next<{ port: number }>()
  return {
    port,
    dialect: dialects.floor,
    cpu: async () => cpuSeconds(program.pid),
    memory: async () => Number.NaN,
    broadcast: async () => (await program.ask<{ began: number }>(text)).began,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}

const nginx = process.env.BENCH_NGINX ?? 'nginx'
const modules = process.env.BENCH_NGINX_MODULES ?? '/usr/lib/nginx/modules'

export function hasNchan(): boolean {
  return spawnSync(nginx, ['-v']).status === 0 && existsSync(join(modules, 'ngx_nchan_module.so'))
}

export function hasUws(): boolean {
  const load = "import('@trufflesuite/uws-js-unofficial')"
  return spawnSync(process.execPath, ['-e', load], { cwd: join(import.meta.dirname, '..'), stdio: 'ignore' }).status === 0
}

/** nginx with nchan: one worker, no sign-in, a channel for each user and one for all. */
export async function startNchan(_people: People, folder: string): Promise<Contestant> {
  const port = await freePort()
  const root = join(folder, `nchan-${++started}`)
  mkdirSync(root)
  writeFileSync(join(root, 'nginx.conf'), configuration(root, port))
  const master = spawn(nginx, ['-p', root, '-c', join(root, 'nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' })
  await reachable(port)
  const worker = Number(readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8').trim().split(' ')[0])
  return {
    port,
    dialect: dialects.nchan,
    cpu: async () => cpuSeconds(worker),
    memory: async () => sharedOnce([master.pid ?? 0, worker]),
    async broadcast(title) {
      const began = now()
      await fetch(`http://127.0.0.1:${port}/pub`, { method: 'POST', body: JSON.stringify({ type: 'unread', unread: 1, latest: { title } }) })
      return began
    },
    async [Symbol.asyncDispose]() {
      const exit = once(master, 'exit')
      master.kill('SIGTERM')
      await exit
    },
  }
}

function configuration(root: string, port: number): string {
  return `load_module ${join(modules, 'ngx_nchan_module.so')};
user root;
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${root}/pid;
error_log ${root}/error.log;
events { worker_connections 32768; }
http {
  access_log off;
  nchan_shared_memory_size 512M;
  client_body_temp_path ${root}; proxy_temp_path ${root}; fastcgi_temp_path ${root}; uwsgi_temp_path ${root}; scgi_temp_path ${root};
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /sub { nchan_subscriber websocket; nchan_channel_id all user-$connection; nchan_subscriber_first_message newest; }
    location = /pub { nchan_publisher; nchan_channel_id all; nchan_message_buffer_length 1; }
  }
}
`
}

/** Resident bytes of several processes, what they share counted once. */
function sharedOnce(pids: readonly number[]): number {
  const proportional = (pid: number) => Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
  return 1024 * pids.reduce((sum, pid) => sum + proportional(pid), 0)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function reachable(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await fetch(`http://127.0.0.1:${port}/`)
      return
    } catch (error) {
      if (tries === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
