import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Server } from './processes.js'

/** A database of Belfry's in which so many users have so many notifications; made once a run. */
export async function filled(folder: string, users: number, rows: number): Promise<string> {
  const database = join(folder, `filled-${users}-${rows}.db`)
  if (existsSync(database)) return database
  await using server = await Server.start('store', { database })
  await server.ask('fill', { users, rows })
  return database
}

/** Belfry's store on such a database, warmed up. */
export async function openFilled(folder: string, users: number, rows: number): Promise<Server> {
  const database = await filled(folder, users, rows)
  const server = await Server.start('store', { database })
  await server.ask('open')
  await server.ask('state', { users, times: 20_000 })
  await server.ask('page', { users, times: 2000 })
  return server
}
